//! Random numbers that need not be secret.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A random number. Nothing that has to be unpredictable may depend on it.
pub(crate) fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}
