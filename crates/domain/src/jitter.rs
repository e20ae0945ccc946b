//! Random spread of durations, so that what begins at one moment does not repeat at one moment everywhere.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A random duration from `least` to `most` times the given one. Nothing that has to be unpredictable may depend on it.
pub fn jitter(duration: Duration, least: f64, most: f64) -> Duration {
    // Each state has other keys.
    let chance = RandomState::new().hash_one(0_u8) >> 32;
    #[expect(clippy::cast_precision_loss, reason = "32 bits fit")]
    let share = chance as f64 / f64::from(u32::MAX);
    duration.mul_f64(least + (most - least) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_stays_within_its_bounds_and_uses_all_of_them() {
        let (least, most) = (Duration::from_secs(8), Duration::from_secs(12));
        let all: Vec<_> = (0..1_000).map(|_| jitter(Duration::from_secs(10), 0.8, 1.2)).collect();
        assert!(all.iter().all(|some| (least..=most).contains(some)));
        let middle = Duration::from_secs(10);
        assert!(all.iter().any(|some| *some < middle) && all.iter().any(|some| *some > middle));
        assert_eq!(jitter(middle, 1.0, 1.0), middle);
    }

    #[test]
    fn a_pause_is_at_least_half_and_at_most_the_whole() {
        let pause = Duration::from_millis(100);
        let pauses: Vec<_> = (0..200).map(|_| jitter(pause, 0.5, 1.0)).collect();
        assert!(pauses.iter().all(|one| (pause / 2..=pause).contains(one)), "{pauses:?}");
        assert!(pauses.iter().any(|one| one != &pauses[0]), "{pauses:?}");
    }
}
