//! The bounds of a listener.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A question about an address.
pub type AddressRule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// How much a listener takes, and for how long.
#[derive(Clone)]
pub struct Limits {
    /// Open connections at once.
    pub max_connections: usize,
    /// Open connections at once from one address, for those that `is_shared` does not speak of. All of an IPv6 /64 counts as one, and
    /// a /48 as four.
    pub max_connections_per_address: usize,
    /// Whether an address stands for many clients, as that of a proxy does.
    pub is_shared: AddressRule,
    /// From the acceptance of a connection, or from the first byte of a later request, until its head is complete.
    pub head_time: Duration,
    /// From the complete head of a request until its body is.
    pub body_time: Duration,
    /// How long an answer may wait for a client that takes nothing of it.
    pub write_time: Duration,
    /// How long a connection may rest between two requests. Longer than what proxies keep theirs for, so that it is
    /// they who close.
    pub idle_time: Duration,
    /// The head of a request, in bytes. hyper looks before it reads, not after, so up to twice as much may pass.
    pub max_head: usize,
    /// The fields of a head.
    pub max_headers: usize,
    /// The target in the first line, in bytes.
    pub max_target: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_connections_per_address: 512,
            is_shared: Arc::new(|_| false),
            head_time: Duration::from_secs(8),
            body_time: Duration::from_secs(8),
            write_time: Duration::from_secs(8),
            idle_time: Duration::from_secs(75),
            max_head: 32 * 1024,
            max_headers: 100,
            max_target: 16 * 1024,
        }
    }
}
