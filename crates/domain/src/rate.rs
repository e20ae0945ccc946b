//! How often something may happen.

use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

/// So many times in a period: all at once if need be, and then evenly as the period passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    period: Duration,
}

/// Why a rate makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RateError {
    /// Nothing would ever be allowed.
    #[error("the number must be at least 1")]
    NoCount,
    /// Too short to mean anything, or so long that a restart comes first.
    #[error("the period must be between a second and a day")]
    Period,
}

impl Rate {
    /// `count` times in `period`.
    pub fn new(count: u32, period: Duration) -> Result<Self, RateError> {
        let count = NonZeroU32::new(count).ok_or(RateError::NoCount)?;
        let bounds = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
        if bounds.contains(&period) { Ok(Self { count, period }) } else { Err(RateError::Period) }
    }

    /// So many in a second.
    pub const fn per_second(count: NonZeroU32) -> Self {
        Self { count, period: Duration::from_secs(1) }
    }

    /// So many in a minute.
    pub const fn per_minute(count: NonZeroU32) -> Self {
        Self { count, period: Duration::from_secs(60) }
    }

    /// So many times as often, for those who share it.
    #[must_use]
    pub fn times(&self, factor: NonZeroU32) -> Self {
        Self { count: self.count.saturating_mul(factor), ..*self }
    }

    /// How many may come at once after a long pause.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// The period.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// How long after one the next is earned.
    pub fn interval(&self) -> Duration {
        self.period / self.count.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_earned_evenly_over_its_period() {
        let rate = Rate::new(120, Duration::from_secs(60)).unwrap();
        assert_eq!((rate.count(), rate.interval()), (120, Duration::from_millis(500)));
    }

    #[test]
    fn a_rate_that_is_shared_is_so_many_times_as_quick() {
        let rate = Rate::new(120, Duration::from_secs(60)).unwrap().times(NonZeroU32::new(4).unwrap());
        assert_eq!((rate.count(), rate.interval()), (480, Duration::from_millis(125)));
        let most = Rate::new(u32::MAX, Duration::from_secs(60)).unwrap();
        assert_eq!(most.times(NonZeroU32::new(4).unwrap()), most);
    }

    #[test]
    fn a_rate_that_allows_nothing_or_means_nothing_is_none() {
        assert_eq!(Rate::new(0, Duration::from_secs(60)), Err(RateError::NoCount));
        for period in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(24 * 60 * 60 + 1)] {
            assert_eq!(Rate::new(1, period), Err(RateError::Period), "{period:?}");
        }
    }

    #[test]
    fn a_period_is_from_a_second_to_a_day() {
        for period in [Duration::from_secs(1), Duration::from_secs(24 * 60 * 60)] {
            assert_eq!(Rate::new(1, period).unwrap().period(), period);
        }
        let quick = Rate::per_second(NonZeroU32::new(5).unwrap());
        assert_eq!(quick, Rate::new(5, Duration::from_secs(1)).unwrap());
    }
}
