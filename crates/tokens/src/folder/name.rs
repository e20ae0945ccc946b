//! File names that say from when a key is active: the one thing about a key that its PEM cannot hold.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use vestibule_domain::Timestamp;

use super::EXTENSION;

const MOMENT: &[BorrowedFormatItem<'static>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const MOMENT_LEN: usize = "20261122T100833Z".len();
const KID_LEN: usize = 16;

/// `20261122T100833Z-kXq0vB3fJm2sT9aL.pem`: the time of activation, then the first characters of the key's id.
pub(super) fn of(active_from: Timestamp, kid: &str) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp(active_from.seconds()).ok()?.format(MOMENT).ok()?;
    (moment.len() == MOMENT_LEN)
        .then(|| format!("{moment}-{}.{EXTENSION}", kid.get(..KID_LEN).unwrap_or(kid)))
}

/// The time of activation that a name states; `None` for a name of another form.
pub(super) fn active_from(name: &str) -> Option<Timestamp> {
    let (moment, rest) = name.split_at_checked(MOMENT_LEN)?;
    rest.strip_prefix('-')?;
    let moment = PrimitiveDateTime::parse(moment, MOMENT).ok()?;
    Some(Timestamp::from_seconds(moment.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_the_second_of_activation() {
        let moment = Timestamp::from_micros(1_763_806_113_999_999);
        let name = of(moment, "kXq0vB3fJm2sT9aLxxxxxxxx").unwrap();
        assert_eq!(name, "20251122T100833Z-kXq0vB3fJm2sT9aL.pem");
        assert_eq!(active_from(&name), Some(Timestamp::from_seconds(1_763_806_113)));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in
            ["key.pem", "20251122T100833Z.pem", "20251322T100833Z-x.pem", "2025112T1008333Z-x.pem", "ä", ""]
        {
            assert_eq!(active_from(name), None, "{name}");
        }
    }

    #[test]
    fn a_time_that_four_digits_cannot_say_has_no_name() {
        assert_eq!(of(Timestamp::from_micros(i64::MAX), "k"), None);
        assert_eq!(of(Timestamp::from_micros(i64::MIN), "k"), None);
    }
}
