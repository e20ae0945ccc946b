//! Random pauses, so that replicas that failed together do not retry together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Between a half and the whole of a pause.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause / 2 + random_up_to(pause / 2)
}

/// Any duration up to this one.
pub(crate) fn random_up_to(most: Duration) -> Duration {
    let chance = u32::try_from(random_number() % 1_000).unwrap_or(0);
    most * chance / 1_000
}

/// A random number that need not be secret.
pub(crate) fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_at_least_half_and_at_most_the_whole() {
        let pause = Duration::from_millis(100);
        let pauses: Vec<_> = (0..200).map(|_| jittered(pause)).collect();
        assert!(pauses.iter().all(|one| (pause / 2..=pause).contains(one)), "{pauses:?}");
        assert!(pauses.iter().any(|one| one != &pauses[0]), "{pauses:?}");
    }
}
