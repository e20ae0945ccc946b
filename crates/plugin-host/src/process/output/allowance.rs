//! How much of what a plugin prints the log takes.

use std::time::{Duration, Instant};

/// The time for which the two bounds below hold.
const WINDOW: Duration = Duration::from_secs(10);
const MAX_LINES: u32 = 500;
const MAX_BYTES: usize = 256 * 1024;

/// What was printed in the present window.
pub(super) struct Allowance {
    began: Instant,
    lines: u32,
    bytes: usize,
    dropped: u64,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, lines: 0, bytes: 0, dropped: 0 }
    }

    /// Begins a new window when the present one is over. Returns how many lines were dropped in it, if any were.
    pub(super) fn renew(&mut self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.began) < WINDOW {
            return None;
        }
        let dropped = self.take_dropped();
        *self = Self::new(now);
        dropped
    }

    /// How many lines were dropped and not reported yet, if any were.
    pub(super) fn take_dropped(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.dropped)).filter(|dropped| *dropped > 0)
    }

    /// How long until dropped lines have to be reported, if there are any.
    pub(super) fn time_to_report(&self, now: Instant) -> Option<Duration> {
        (self.dropped > 0).then(|| (self.began + WINDOW).saturating_duration_since(now))
    }

    /// Counts what was read, lines or not.
    pub(super) fn count_bytes(&mut self, count: usize) {
        self.bytes = self.bytes.saturating_add(count);
    }

    /// Counts a line. `false` if it has to be dropped.
    pub(super) fn admit_line(&mut self) -> bool {
        let admitted = self.lines < MAX_LINES && self.bytes <= MAX_BYTES;
        if admitted {
            self.lines += 1;
        } else {
            self.dropped += 1;
        }
        admitted
    }

    /// Whether nothing more is taken in this window.
    pub(super) fn is_spent(&self) -> bool {
        self.lines >= MAX_LINES || self.bytes > MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_reported_once_when_the_window_is_over() {
        let began = Instant::now();
        let mut allowance = Allowance::new(began);
        let admitted = (0..MAX_LINES + 3).filter(|_| allowance.admit_line()).count();
        assert_eq!(admitted, MAX_LINES as usize);
        assert!(allowance.is_spent());
        assert_eq!(allowance.time_to_report(began), Some(WINDOW));
        assert_eq!(allowance.renew(began + WINDOW / 2), None);
        assert_eq!(allowance.renew(began + WINDOW), Some(3));
        assert!(!allowance.is_spent() && allowance.admit_line());
        assert_eq!(allowance.time_to_report(began + WINDOW), None);
        assert_eq!(allowance.renew(began + WINDOW * 2), None);
    }

    #[test]
    fn bytes_without_a_line_count_as_well() {
        let mut allowance = Allowance::new(Instant::now());
        allowance.count_bytes(MAX_BYTES);
        assert!(!allowance.is_spent());
        allowance.count_bytes(1);
        assert!(allowance.is_spent() && !allowance.admit_line());
        assert_eq!(allowance.take_dropped(), Some(1));
        assert_eq!(allowance.take_dropped(), None);
    }
}
