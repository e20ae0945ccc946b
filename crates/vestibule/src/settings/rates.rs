//! How often one address and one account may ask, and how often the log tells of it: `120/1m`, or `off`.

use std::time::Duration;

use vestibule_domain::Rate;
use vestibule_flows::AccountRates;
use vestibule_http::AddressRates;

use super::reader::{Reader, parse_duration};

/// The defaults leave room for an office behind one address, and for backends that ask on behalf of many.
pub(super) fn read_address_rates(reader: &mut Reader<'_>) -> AddressRates {
    AddressRates {
        sign_in: read(reader, "RATE_LIMIT_SIGN_IN_PER_ADDRESS", 300),
        update: read(reader, "RATE_LIMIT_UPDATE_PER_ADDRESS", 60),
        authorize: read(reader, "RATE_LIMIT_AUTHORIZE_PER_ADDRESS", 6000),
        lookup: read(reader, "RATE_LIMIT_LOOKUP_PER_ADDRESS", 600),
    }
}

pub(super) fn read_account_rates(reader: &mut Reader<'_>) -> AccountRates {
    AccountRates {
        sign_in: read(reader, "RATE_LIMIT_SIGN_IN_PER_ACCOUNT", 30),
        update: read(reader, "RATE_LIMIT_UPDATE_PER_ACCOUNT", 20),
        authorize: read(reader, "RATE_LIMIT_AUTHORIZE_PER_ACCOUNT", 1200),
    }
}

/// For each outcome of a request. A thousand a second are more than people cause, and what a disk bears for long.
pub(super) fn read_access_rate(reader: &mut Reader<'_>) -> Option<Rate> {
    let default = || Rate::new(1000, Duration::from_secs(1)).ok();
    reader.parse("LOG_ACCESS_RATE", parse_rate).unwrap_or_else(default)
}

fn read(reader: &mut Reader<'_>, name: &str, default_a_minute: u32) -> Option<Rate> {
    let default = || Rate::new(default_a_minute, Duration::from_secs(60)).ok();
    reader.parse(name, parse_rate).unwrap_or_else(default)
}

fn parse_rate(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let form = || "expected a number and a period, such as 120/1m, or off".to_owned();
    let (count, period) = text.split_once('/').ok_or_else(form)?;
    let count = count.trim().parse().map_err(|_| form())?;
    let period = parse_duration(period.trim()).map_err(|_| form())?;
    Rate::new(count, period).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_period() {
        let rate = |text| parse_rate(text).unwrap();
        assert_eq!(rate("120/1m"), Some(Rate::new(120, Duration::from_secs(60)).unwrap()));
        assert_eq!(rate("5 / 2h"), Some(Rate::new(5, Duration::from_secs(7200)).unwrap()));
        assert_eq!(rate("10/30"), Some(Rate::new(10, Duration::from_secs(30)).unwrap()));
        assert_eq!(rate("off"), None);
    }

    #[test]
    fn what_is_no_rate_is_refused_with_what_was_expected() {
        for text in ["", "120", "120/", "/1m", "x/1m", "-1/1m", "1.5/1m", "99999999999/1m", "on"] {
            assert!(parse_rate(text).unwrap_err().contains("120/1m"), "{text:?}");
        }
        assert_eq!(parse_rate("0/1m").unwrap_err(), "the number must be at least 1");
        assert_eq!(parse_rate("5/500ms").unwrap_err(), "the period must be between a second and a day");
    }
}
