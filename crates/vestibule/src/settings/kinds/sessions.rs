//! How long browsers are signed in, and whether they are by a cookie.

use std::time::Duration;

use super::{Choice, Kind, parse_duration, parsed};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Browsers keep no cookie longer (RFC 6265bis section 5.6.5).
const LONGEST: Duration = DAY.saturating_mul(400);
/// Twice as long as it takes until the use of a session is noted again.
const SHORTEST: Duration = MINUTE.saturating_mul(10);

/// How long a session may go unused.
pub(in super::super) const IDLE: Kind<Duration> = parsed(|text| within(parse_duration(text)?));

/// How long a session may last; zero stands for the longest.
pub(in super::super) const SESSION_AGE: Kind<Duration> = parsed(|text| {
    let age = parse_duration(text)?;
    if age.is_zero() { Ok(LONGEST) } else { within(age) }
});

fn within(duration: Duration) -> Result<Duration, String> {
    let fits = (SHORTEST..=LONGEST).contains(&duration);
    fits.then_some(duration).ok_or_else(|| "expected between 10m and 400d".to_owned())
}

/// Where the session cookie of a browser counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionCookieUse {
    /// At the pages of the service itself, and where a client asks for it.
    OwnPages,
    /// Nowhere: there is none.
    Off,
}

impl Choice for SessionCookieUse {
    const VALUES: &'static [(&'static str, Self)] = &[("own-pages", Self::OwnPages), ("off", Self::Off)];
}
