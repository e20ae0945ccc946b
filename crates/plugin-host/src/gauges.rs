//! What is true of an instance at this moment.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::breaker::BreakerState;

/// What is true of an instance at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginGauges {
    /// The name that logs and metrics know it by.
    pub alias: String,
    /// Calls whose callers wait, including those in the queue.
    pub inflight: usize,
    /// Threads in calls whose callers have gone.
    pub stuck_threads: usize,
    /// Whether it is given a rest.
    pub breaker: BreakerState,
}

/// How many are inside.
#[derive(Default)]
pub(crate) struct Inflight(AtomicUsize);

/// One that is inside, until it is dropped.
pub(crate) struct Inside<'a>(&'a AtomicUsize);

impl Inflight {
    pub(crate) fn enter(&self) -> Inside<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(&self.0)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
