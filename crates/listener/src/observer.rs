//! Reports about connections, for metrics.

/// Why the listener turned a connection away or closed it early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Every connection is busy, and the maximum is reached.
    Overloaded,
    /// The maximum for its address is reached.
    AddressFull,
    /// It was idle when a new connection came and the maximum was reached.
    Evicted,
    /// The head of a request did not arrive in time.
    SlowRequest,
    /// The client did not read its response in time.
    SlowReader,
    /// The machine has no descriptor or memory left.
    NoResources,
}

impl CloseReason {
    /// The label in metrics. Dashboards know these words, so they stay when a variant is renamed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overloaded => "full",
            Self::AddressFull => "address_full",
            Self::Evicted => "displaced",
            Self::SlowRequest => "slow_request",
            Self::SlowReader => "slow_reader",
            Self::NoResources => "no_resources",
        }
    }
}

/// Receives what happens to connections, on their path: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// The number of open connections has changed.
    fn open_connections(&self, count: usize);
    /// The listener turned a connection away or closed it early.
    fn closed_early(&self, reason: CloseReason);
}

/// Ignores every report.
pub struct NoObserver;

impl Observer for NoObserver {
    fn open_connections(&self, _: usize) {}
    fn closed_early(&self, _: CloseReason) {}
}
