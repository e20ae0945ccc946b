//! A little chance, so that what began at one moment does not end at one moment everywhere.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A duration between `least` and `most` times the given one. Nothing that has to be unpredictable may depend on it.
pub(crate) fn spread(duration: Duration, least: f64, most: f64) -> Duration {
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
    fn a_spread_stays_within_its_bounds_and_differs() {
        let ten = Duration::from_secs(10);
        let all: Vec<_> = (0..100).map(|_| spread(ten, 0.9, 1.0)).collect();
        assert!(all.iter().all(|some| (Duration::from_secs(9)..=ten).contains(some)));
        assert!(all.iter().any(|some| some != &all[0]));
    }
}
