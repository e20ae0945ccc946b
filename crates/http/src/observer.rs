//! Reports about requests, for metrics.

use std::time::Duration;

/// The operation of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedOperation {
    /// Its name in the document; `other` for pages.
    pub id: &'static str,
    /// Its place among all operations.
    pub index: usize,
}

/// Receives what becomes of requests. Called on their threads, also for those that memory answers: it must be quick.
pub trait RequestObserver: Send + Sync {
    /// A request was answered with this status, after this long.
    fn answered(&self, operation: ObservedOperation, status: u16, duration: Duration);

    /// A request was refused, because there were too many of an address or for an account. `by` says which.
    fn rate_limited(&self, operation: &'static str, by: &'static str);
}
