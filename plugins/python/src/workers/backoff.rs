//! When the next start may be tried after some that failed.

use std::time::{Duration, Instant};

use crate::error::WorkerError;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// The starts that failed since the last that succeeded.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
    reason: String,
}

impl Backoff {
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Each failure doubles the pause.
    pub(super) fn failed(&mut self, reason: String, now: Instant) {
        let pause = SHORTEST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause);
        self.reason = reason;
    }

    /// When the next start may be tried, if that is still ahead.
    pub(super) fn pause_until(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|moment| *moment > now)
    }

    /// The reason of the last failure, if the last start was one.
    pub(super) fn verdict(&self) -> Result<(), WorkerError> {
        if self.failures == 0 { Ok(()) } else { Err(WorkerError::NotStarted(self.reason.clone())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_success_ends_them() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        assert!(backoff.verdict().is_ok() && backoff.pause_until(now).is_none());
        for milliseconds in [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] {
            backoff.failed("it is broken".to_owned(), now);
            assert_eq!(backoff.pause_until(now), Some(now + Duration::from_millis(milliseconds)));
        }
        assert_eq!(backoff.pause_until(now + LONGEST), None, "the pause is over");
        assert_eq!(backoff.verdict().unwrap_err().to_string(), "no worker can be started: it is broken");
        backoff.succeeded();
        assert!(backoff.verdict().is_ok() && backoff.pause_until(now).is_none());
    }
}
