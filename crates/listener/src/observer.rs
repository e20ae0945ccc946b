//! Who wants to know how many connections there are.

/// Why a connection was not served, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// As many connections as are allowed are busy.
    Full,
    /// As many connections as are allowed come from this address.
    AddressFull,
    /// It made place for another when all were taken.
    Displaced,
    /// The head or the rest of a request did not come in time.
    SlowRequest,
    /// The client took nothing of its answer in time.
    SlowReader,
    /// The machine has no descriptor or memory for it.
    NoResources,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Full,
        Self::AddressFull,
        Self::Displaced,
        Self::SlowRequest,
        Self::SlowReader,
        Self::NoResources,
    ];

    /// A word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
            Self::Displaced => "displaced",
            Self::SlowRequest => "slow_request",
            Self::SlowReader => "slow_reader",
            Self::NoResources => "no_resources",
        }
    }
}

/// Is told of what happens to connections. Called on their path: it must not wait.
pub trait Observer: Send + Sync + 'static {
    /// So many are open now.
    fn open_connections(&self, count: usize);
    /// One was refused or cut.
    fn refused(&self, reason: Refusal);
}

/// Nobody wants to know.
pub struct NoObserver;

impl Observer for NoObserver {
    fn open_connections(&self, _: usize) {}
    fn refused(&self, _: Refusal) {}
}
