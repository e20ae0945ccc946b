//! The bounds of a listener, and their defaults.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A predicate on addresses.
pub type AddressRule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// The bounds of a listener in number, time and size.
#[derive(Clone)]
pub struct Limits {
    /// Open connections at once.
    pub max_connections: usize,
    /// Open connections at once from one address, unless `is_shared` is true of it. An IPv6 /64 counts as one address, and a
    /// /48 as four.
    pub max_connections_per_address: usize,
    /// Whether an address stands for many clients, as that of a proxy does.
    pub is_shared: AddressRule,
    /// From the acceptance of a connection, or from the first byte of a later request, until its head is complete.
    pub head_time: Duration,
    /// From the complete head of a request until its body is.
    pub body_time: Duration,
    /// How long a response may wait for a client that reads nothing of it.
    pub write_time: Duration,
    /// How long a connection may be idle between two requests. Longer than the idle time of proxies, so that the proxy closes.
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
