//! When a credential or its session was last used: known to the moment in memory, and written now and then.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vestibule_domain::Timestamp;

/// How stale a last use may become before it is written again.
pub(super) const RESOLUTION: Duration = Duration::from_secs(300);

/// When something was last used, as the database knows it or is about to.
#[derive(Debug)]
pub(super) struct LastUse(AtomicI64);

impl LastUse {
    pub(super) fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// Whether it is due to be written.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.since(self.at()) > RESOLUTION
    }

    /// Claims the duty to write it. True for one of all requests that ask while it is due.
    pub(super) fn claim(&self, now: Timestamp) -> bool {
        let (last, order) = (self.at(), Ordering::Relaxed);
        now.since(last) > RESOLUTION
            && self.0.compare_exchange(last.micros(), now.micros(), order, order).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn it_is_written_by_one_of_all_who_ask() {
        let last = LastUse::new(at(0));
        assert!(!last.is_due(at(300)) && !last.claim(at(300)));
        assert!(last.is_due(at(301)) && last.claim(at(301)));
        assert!(!last.claim(at(302)), "another has claimed it");
        assert!(last.claim(at(602)));
        assert_eq!(last.at(), at(602));
    }
}
