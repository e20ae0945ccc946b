//! Rate limit for one line of the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets a line be logged at most once per interval and counts the lines that it suppressed. For log lines that clients can
/// cause at will.
#[derive(Debug)]
pub struct LogThrottle {
    began: Instant,
    interval: Duration,
    /// Milliseconds since `began`.
    due_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LogThrottle {
    /// A throttle that lets the first line through.
    pub fn new(interval: Duration) -> Self {
        Self { began: Instant::now(), interval, due_at: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Returns the number of lines suppressed since the last one if a line may be logged now; else counts this one and returns
    /// `None`.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(self.began.elapsed())
    }

    fn admit_at(&self, now: Duration) -> Option<u64> {
        let (due, now) = (self.due_at.load(Ordering::Relaxed), millis(now));
        let next = now.saturating_add(millis(self.interval));
        let wins = || self.due_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now >= due && wins() {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_admitted_and_the_next_once_the_interval_is_over() {
        let (throttle, second) = (LogThrottle::new(Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(throttle.admit_at(second), Some(0));
        for _ in 0..7 {
            assert_eq!(throttle.admit_at(60 * second), None);
        }
        assert_eq!(throttle.admit_at(61 * second), Some(7));
        assert_eq!(throttle.admit_at(61 * second), None);
        assert_eq!(throttle.admit_at(500 * second), Some(1));
    }

    #[test]
    fn the_machines_own_time_counts_from_when_the_throttle_was_made() {
        let throttle = LogThrottle::new(Duration::from_secs(24 * 60 * 60));
        assert_eq!([throttle.admit(), throttle.admit(), throttle.admit()], [Some(0), None, None]);
        assert_eq!(throttle.admit_at(Duration::from_secs(48 * 60 * 60)), Some(2));
    }

    #[test]
    fn of_many_threads_at_once_one_is_admitted() {
        let throttle = LogThrottle::new(Duration::from_secs(60));
        let admitted = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| throttle.admit_at(Duration::ZERO))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).count()
        });
        assert_eq!(admitted, 1);
    }
}
