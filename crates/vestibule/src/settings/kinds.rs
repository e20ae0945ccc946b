//! The kinds of settings: how the text of each becomes a value, and what is said when it does not.

pub(super) mod addresses;
pub(super) mod sessions;
pub(super) mod traces;
pub(super) mod words;

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use vestibule_domain::{AccountLinking, Rate, UserIdScheme};
use vestibule_flows::RoleAccountMakers;
use words::{QUOTED, is_quoted, trimmed};

/// What is wrong with a text: one reason, or one for each item of a list.
pub(super) type Reasons = Vec<String>;

/// How a text becomes a value.
#[derive(Debug)]
enum Parse<T: 'static> {
    One(fn(&str) -> Result<T, String>),
    List(fn(&str) -> Result<T, Reasons>),
}

impl<T> Clone for Parse<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Parse<T> {}

/// A kind of settings whose values are of this type.
#[derive(Debug)]
pub(crate) struct Kind<T: 'static> {
    parse: Parse<T>,
    /// What joins the items of a list.
    pub(super) separator: &'static str,
}

impl<T> Clone for Kind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kind<T> {}

impl<T> Kind<T> {
    /// A list whose items are joined with this.
    pub(super) const fn joined_with(mut self, separator: &'static str) -> Self {
        self.separator = separator;
        self
    }

    /// The value that a text stands for.
    pub(super) fn parse(&self, text: &str) -> Result<T, Reasons> {
        let value = match self.parse {
            Parse::One(parse) => parse(text).map_err(|reason| vec![reason]),
            Parse::List(parse) => parse(text),
        };
        value.map_err(|reasons| if is_quoted(text) { vec![QUOTED.to_owned()] } else { reasons })
    }
}

/// What this function understands.
pub(super) const fn parsed<T>(parse: fn(&str) -> Result<T, String>) -> Kind<T> {
    Kind { parse: Parse::One(parse), separator: ";" }
}

/// A list that this function understands.
pub(super) const fn listed<T>(parse: fn(&str) -> Result<T, Reasons>) -> Kind<T> {
    Kind { parse: Parse::List(parse), separator: ";" }
}

/// All values, or all reasons.
pub(super) fn all<T>(items: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Reasons> {
    let (mut values, mut reasons) = (Vec::new(), Reasons::new());
    for item in items {
        match item {
            Ok(value) => values.push(value),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() { Ok(values) } else { Err(reasons) }
}

/// What the type itself understands.
pub(super) const fn from_str<T: FromStr<Err: Display>>() -> Kind<T> {
    parsed(|text| text.parse().map_err(as_text))
}

/// For `map_err`: what an error says.
pub(super) fn as_text(error: impl Display) -> String {
    error.to_string()
}

/// Any texts, separated by semicolons.
pub(super) const LIST: Kind<Vec<String>> = listed(|text| all(items_of(text).map(parse_item)));

/// Any texts, separated by commas.
pub(super) const LIST_WITH_COMMAS: Kind<Vec<String>> = parsed(|text| {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Ok(items.map(str::to_owned).collect())
});

/// `on` or `off`.
pub(super) const SWITCH: Kind<bool> = parsed(parse_switch);

/// The life of a token, a session or an event: at least ten seconds, at most ten years.
pub(super) const LIFETIME: Kind<Duration> = parsed(parse_lifetime);

/// The same, or nothing for `never`.
pub(super) const LIFETIME_OR_NEVER: Kind<Option<Duration>> =
    parsed(|text| if text == "never" { Ok(None) } else { parse_lifetime(text).map(Some) });

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_secs(10)..=Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let duration = parse_duration(text)?;
    bounds
        .contains(&duration)
        .then_some(duration)
        .ok_or_else(|| "expected between 10s and 10 years".to_owned())
}

/// How often: a number and a period, or nothing for `off`.
pub(super) const RATE: Kind<Option<Rate>> = parsed(parse_rate);

/// A duration of at most so many seconds.
pub(super) const fn at_most<const SECONDS: u64>() -> Kind<Duration> {
    parsed(|text| {
        let (duration, most) = (parse_duration(text)?, Duration::from_secs(SECONDS));
        let too_long = || format!("expected at most {}", humantime::format_duration(most));
        (duration <= most).then_some(duration).ok_or_else(too_long)
    })
}

/// A number between these two, or one of them.
pub(super) const fn number<const FROM: usize, const TO: usize>() -> Kind<usize> {
    parsed(|text| {
        let number = text.parse().ok().filter(|number| (FROM..=TO).contains(number));
        number.ok_or_else(|| format!("expected a number from {FROM} to {TO}"))
    })
}

/// One of the names of the type's values.
pub(super) const fn choice<T: Choice>() -> Kind<T> {
    parsed(|text| {
        let found = T::VALUES.iter().find(|(name, _)| *name == text);
        let names = || T::VALUES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ");
        found.map(|(_, value)| value.clone()).ok_or_else(|| format!("expected {}", names()))
    })
}

/// A type whose values have names in the settings.
pub(super) trait Choice: Clone + 'static {
    /// Each value behind its name.
    const VALUES: &'static [(&'static str, Self)];
}

impl Choice for AccountLinking {
    const VALUES: &'static [(&'static str, Self)] =
        &[("verified-email", Self::VerifiedEmail), ("explicit", Self::Explicit)];
}

impl Choice for RoleAccountMakers {
    const VALUES: &'static [(&'static str, Self)] = &[("admins", Self::Admins), ("users", Self::Users)];
}

impl Choice for UserIdScheme {
    const VALUES: &'static [(&'static str, Self)] =
        &[("random", Self::Random), ("email-md5", Self::EmailMd5)];
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

impl Choice for LogFormat {
    const VALUES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// What the log lets through.
pub(super) const LOG_FILTER: Kind<String> = parsed(|text| {
    // A word alone would be the name of a part, of which everything is logged, and nothing of all others.
    if let Some(word) = text.split(',').map(str::trim).find(|word| is_misspelt_level(word)) {
        return Err(format!(
            "{word:?} is no level; expected error, warn, info, debug, trace or off, alone or as PART=LEVEL, separated by commas"
        ));
    }
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(as_text)
});

fn is_misspelt_level(directive: &str) -> bool {
    let is_word = !directive.is_empty() && directive.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word && directive.parse::<LevelFilter>().is_err()
}

/// Folders, separated by colons.
pub(super) const FOLDERS: Kind<Vec<PathBuf>> =
    listed(|text| all(text.split(':').map(trimmed).filter(|folder| !folder.is_empty()).map(parse_folder)))
        .joined_with(":");

/// What `vestibule.toml` and the environment have between the items of a list is a semicolon.
fn parse_item(item: &str) -> Result<String, String> {
    if !item.contains(',') {
        return Ok(item.to_owned());
    }
    let items: Vec<_> = item.split(',').map(trimmed).filter(|item| !item.is_empty()).collect();
    Err(format!("{item}: items are separated by semicolons; write {}", items.join(";")))
}

fn parse_folder(folder: &str) -> Result<PathBuf, String> {
    let separator = [",", ";"].into_iter().find(|separator| folder.contains(&format!("{separator}/")));
    match separator {
        None => Ok(PathBuf::from(folder)),
        Some(other) => {
            let folders = folder.split(other).map(trimmed).collect::<Vec<_>>().join(":");
            Err(format!("{folder}: folders are separated by colons; write {folders}"))
        }
    }
}

/// The items of a list with semicolons between them.
pub(super) fn items_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(trimmed).filter(|item| !item.is_empty())
}

const EXPECTED_DURATION: &str = "expected a duration such as 30s, 15m, 14d or 1h 30m, or a number of seconds";

/// `2s`, `500ms`, `1h 30m`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|_| EXPECTED_DURATION.to_owned()),
    }
}

pub(super) fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("expected on or off".to_owned()),
    }
}

fn parse_rate(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let form = || "expected a number and a period, such as 120/1m, or off".to_owned();
    let (count, period) = text.split_once('/').ok_or_else(form)?;
    let count = count.trim().parse().map_err(|_| form())?;
    let period = parse_duration(period.trim()).map_err(|_| form())?;
    Rate::new(count, period).map(Some).map_err(as_text)
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

    #[test]
    fn what_is_out_of_bounds_is_refused_with_the_bounds() {
        let (delay, count) = (at_most::<3600>(), number::<16, 1000>());
        assert_eq!(delay.parse("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(delay.parse("61m"), Err(vec!["expected at most 1h".to_owned()]));
        assert_eq!((count.parse("16"), count.parse("1000")), (Ok(16), Ok(1000)));
        for text in ["15", "1001", "-16", "many", ""] {
            assert_eq!(
                count.parse(text),
                Err(vec!["expected a number from 16 to 1000".to_owned()]),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_choice_is_one_of_its_names() {
        #[derive(Debug, Clone, PartialEq)]
        enum Way {
            Up,
            Down,
        }
        impl Choice for Way {
            const VALUES: &'static [(&'static str, Self)] = &[("up", Self::Up), ("down", Self::Down)];
        }
        let way = choice::<Way>();
        assert_eq!((way.parse("up"), way.parse("down")), (Ok(Way::Up), Ok(Way::Down)));
        assert_eq!(way.parse("Up"), Err(vec!["expected up or down".to_owned()]));
    }
}
