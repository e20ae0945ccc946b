//! Time as an argument.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in microseconds since the Unix epoch: the resolution that both databases keep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The moment so many seconds after the epoch; saturates at the ends of the representable range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the `NumericDate` of RFC 7519 section 2.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment and a while; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros_of(duration)))
    }

    /// A while before this moment; saturates.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros_of(duration)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC, for example `2026-11-22T10:08:33.25Z`.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{}us", self.0))
    }
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

/// Who knows what time it is. The program passes [`SystemClock`]; a test passes one that it moves.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's real-time clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp(micros_of(since_epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(0).to_rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(1_500_000).to_rfc3339(), "1970-01-01T00:00:01.5Z");
    }

    #[test]
    fn arithmetic_at_the_ends_saturates() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        assert_eq!(Timestamp::from_seconds(1).since(last), Duration::ZERO);
        assert_eq!(Timestamp::from_micros(-1).seconds(), -1);
    }

    #[test]
    fn a_moment_is_moved_by_a_duration_and_back() {
        let (start, step) = (Timestamp::from_micros(1_000_250), Duration::from_micros(750));
        assert_eq!(start.plus(step), Timestamp::from_micros(1_001_000));
        assert_eq!(start.minus(step), Timestamp::from_micros(999_500));
        assert_eq!(start.plus(step).since(start), step);
        assert_eq!(start.since(start.plus(step)), Duration::ZERO, "a moment that lies ahead");
    }

    #[test]
    fn seconds_and_microseconds_name_the_same_moment() {
        assert_eq!(Timestamp::from_seconds(7).micros(), 7_000_000);
        assert_eq!(Timestamp::from_micros(7_999_999).seconds(), 7, "rounded down");
        assert_eq!(Timestamp::from_seconds(i64::MAX).micros(), i64::MAX);
        let first = Timestamp::from_micros(i64::MIN);
        assert_eq!(first.minus(Duration::from_secs(1)), first);
        assert_eq!(Timestamp::from_seconds(0).plus(Duration::MAX).micros(), i64::MAX);
    }

    #[test]
    fn a_moment_is_shown_as_rfc_3339_and_one_beyond_its_years_in_microseconds() {
        let moment = Timestamp::from_seconds(0);
        assert_eq!(format!("{moment} {moment:?}"), "1970-01-01T00:00:00Z 1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(i64::MAX).to_rfc3339(), "9223372036854775807us");
    }

    #[test]
    fn the_machines_clock_is_past_the_day_of_this_test() {
        let written = Timestamp::from_seconds(1_760_000_000);
        assert!(SystemClock.now() > written && SystemClock.now() < Timestamp::from_micros(i64::MAX));
    }
}
