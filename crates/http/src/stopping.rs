//! Whether the service is about to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The paths at which others ask how the service is. That they still ask says nothing about what else they send.
const QUESTIONS: [&str; 2] = ["/readyz", "/healthz"];

/// A switch that readiness looks at: while the service ends, it still answers, but wants no more requests. Cheap to
/// clone; all clones are one switch.
#[derive(Debug, Clone, Default)]
pub struct Stopping(Arc<State>);

#[derive(Debug, Default)]
struct State {
    has_begun: AtomicBool,
    requests: AtomicU64,
}

impl Stopping {
    /// From now on the service is not ready.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
    }

    /// A request for this path has come. It counts if the service is not ready any more and somebody sends it work all the
    /// same.
    pub fn note_request(&self, path: &str) {
        if self.has_begun() && !QUESTIONS.contains(&path) {
            self.0.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests have come since [`Stopping::begin`].
    pub fn unwanted_requests(&self) -> u64 {
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
        let stopping = Stopping::default();
        stopping.note_request("/auth/check");
        assert_eq!(stopping.unwanted_requests(), 0, "it was wanted");
        stopping.begin();
        for path in ["/readyz", "/healthz", "/auth/check", "/"] {
            stopping.clone().note_request(path);
        }
        assert_eq!(stopping.unwanted_requests(), 2);
    }
}
