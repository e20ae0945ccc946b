//! What is worth saying, but not each time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets something be said at most once in a while, and counts how often it was not. For lines of the log that others
/// can cause as often as they like.
#[derive(Debug)]
pub struct Seldom {
    began: Instant,
    pause: Duration,
    /// Milliseconds since `began`.
    due_at: AtomicU64,
    unsaid: AtomicU64,
}

impl Seldom {
    /// Nothing has been said yet.
    pub fn new(pause: Duration) -> Self {
        Self { began: Instant::now(), pause, due_at: AtomicU64::new(0), unsaid: AtomicU64::new(0) }
    }

    /// Whether it is time to say it; then how often it was not said since the last time.
    pub fn is_due(&self) -> Option<u64> {
        self.is_due_at(self.began.elapsed())
    }

    fn is_due_at(&self, now: Duration) -> Option<u64> {
        let (due, now, pause) = (self.due_at.load(Ordering::Relaxed), millis(now), millis(self.pause));
        let next = now.saturating_add(pause);
        let wins = || self.due_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now >= due && wins() {
            return Some(self.unsaid.swap(0, Ordering::Relaxed));
        }
        self.unsaid.fetch_add(1, Ordering::Relaxed);
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
    fn it_is_said_at_once_and_then_not_before_the_pause_is_over() {
        let (seldom, second) = (Seldom::new(Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(seldom.is_due_at(second), Some(0));
        for _ in 0..7 {
            assert_eq!(seldom.is_due_at(60 * second), None);
        }
        assert_eq!(seldom.is_due_at(61 * second), Some(7));
        assert_eq!(seldom.is_due_at(61 * second), None);
        assert_eq!(seldom.is_due_at(500 * second), Some(1));
    }

    #[test]
    fn of_many_at_once_one_says_it() {
        let seldom = Seldom::new(Duration::from_secs(60));
        let said = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| seldom.is_due_at(Duration::ZERO))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).count()
        });
        assert_eq!(said, 1);
    }
}
