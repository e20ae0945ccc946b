//! When to try again.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt. Without a word of the receiver: twice as long each time, of which up to a half
/// is left to chance, so that those who failed together do not come back together. With one: at least so long.
pub(crate) fn pause(attempts: u32, asked_for: Option<Duration>) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    let longest = FIRST.saturating_mul(doubled).min(LONGEST);
    let jittered = longest / 2 + (longest / 2).mul_f64(chance());
    asked_for.map_or(jittered, |asked_for| asked_for.saturating_add(FIRST.mul_f64(chance())))
}

/// A number from 0 to 1. Without randomness it is 1, which only makes the wait longer.
fn chance() -> f64 {
    let mut byte = [u8::MAX];
    aws_lc_rs::rand::fill(&mut byte).ok();
    f64::from(byte[0]) / f64::from(u8::MAX)
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. One that makes no sense is none.
pub(crate) fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some(Duration::try_from(date - now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for (attempts, milliseconds) in [(1, 50..=100), (2, 100..=200), (3, 200..=400), (100, 2_500..=5_000)]
        {
            let pause = pause(attempts, None).as_millis();
            assert!(milliseconds.contains(&pause), "{attempts}: {pause}");
        }
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_receiver_asks_for() {
        let pause = pause(1, Some(Duration::from_secs(3)));
        assert!((3_000..=3_100).contains(&pause.as_millis()), "{pause:?}");
        assert_eq!(super::pause(1, Some(Duration::MAX)), Duration::MAX);
    }

    #[test]
    fn both_forms_of_retry_after_are_understood() {
        let now = datetime!(2026-11-25 08:00:00 UTC);
        let cases = [
            ("0", Some(0)),
            ("120", Some(120)),
            ("Wed, 25 Nov 2026 08:01:00 GMT", Some(60)),
            ("Wed, 25 Nov 2026 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
