//! Whether the service is about to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A switch that readiness looks at: while the service ends, it still answers, but wants no more requests. Cheap to
/// clone; all clones are one switch.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Debug, Default)]
struct State {
    has_begun: AtomicBool,
    requests: AtomicU64,
}

impl Shutdown {
    /// From now on the service is not ready.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
    }

    /// A request has come that is no probe. It counts if the service is not ready any more.
    pub fn note_request(&self) {
        if self.has_begun() {
            self.0.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests have come since [`Shutdown::begin`].
    pub fn late_requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l10_only_work_that_comes_after_the_end_began_counts() {
        let shutdown = Shutdown::default();
        shutdown.note_request();
        assert_eq!(shutdown.late_requests(), 0, "it was wanted");
        shutdown.begin();
        shutdown.clone().note_request();
        assert_eq!(shutdown.late_requests(), 1);
    }
}
