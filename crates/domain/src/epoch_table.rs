//! Epochs of many keys in bounded memory: a copy made in one epoch is not used in the next.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter for each key that only grows. Keys share counters by their hash, so that memory is bounded: a key whose counter
/// another one advances only has its copies made anew.
///
/// To use it, read the epoch before the original is read, store it with the copy, and use the copy while the epoch is the same.
#[derive(Debug)]
pub struct EpochTable {
    counters: Box<[AtomicU64]>,
    /// Part of every epoch.
    all: AtomicU64,
    hasher: RandomState,
}

impl EpochTable {
    /// A table of so many counters, at least one.
    pub fn new(counters: usize) -> Self {
        let counters = (0..counters.max(1)).map(|_| AtomicU64::new(0)).collect();
        Self { counters, all: AtomicU64::new(0), hasher: RandomState::new() }
    }

    /// The present epoch of a key.
    pub fn epoch(&self, key: &(impl Hash + ?Sized)) -> u64 {
        // INVARIANT: a sum of counters that only grow stands still only if both do.
        let own = self.counter(key).map_or(0, |counter| counter.load(Ordering::SeqCst));
        own.wrapping_add(self.all.load(Ordering::SeqCst))
    }

    /// Begins the next epoch of a key.
    pub fn advance(&self, key: &(impl Hash + ?Sized)) {
        if let Some(counter) = self.counter(key) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Begins the next epoch of every key.
    pub fn advance_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    fn counter(&self, key: &(impl Hash + ?Sized)) -> Option<&AtomicU64> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        self.counters.get(hash % self.counters.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_with_an_advance_of_its_key_or_of_all_and_never_returns() {
        let table = EpochTable::new(256);
        let mut seen = vec![table.epoch("ada")];
        assert_eq!(table.epoch("ada"), seen[0], "it stands still by itself");
        for all in [false, true, false, true] {
            if all {
                table.advance_all();
            } else {
                table.advance("ada");
            }
            let now = table.epoch("ada");
            assert!(!seen.contains(&now), "{now} after {seen:?}");
            seen.push(now);
        }
    }

    #[test]
    fn keys_share_counters_only_by_chance() {
        let table = EpochTable::new(256);
        let keys: Vec<_> = (0..1_000).collect();
        table.advance(&keys[0]);
        let ended = keys.iter().filter(|key| table.epoch(*key) != 0).count();
        assert!((1..100).contains(&ended), "{ended} of a thousand, where four are to be expected");
    }

    #[test]
    fn one_counter_serves_all_keys() {
        let table = EpochTable::new(0);
        table.advance("ada");
        assert_eq!((table.epoch("ada"), table.epoch("bob")), (1, 1));
    }
}
