//! The open connections: their maximum, their share per address, and the choice of those to evict.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::connection::{Connection, Tick};
use crate::limits::Limits;
use crate::observer::{CloseReason, Observer};

/// How many idle connections are evicted at once, so that one search serves several new connections.
const EVICTION_BATCH: usize = 16;

pub(crate) struct Registry {
    limits: Arc<Limits>,
    observer: Arc<dyn Observer>,
    open: Mutex<Open>,
    /// Notified when the last one closes.
    empty: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    entries: HashMap<u64, Entry>,
    by_network: HashMap<Network, usize>,
}

/// An address, or the first one of a network, and how long the prefix is.
type Network = (IpAddr, u32);

/// The networks that a connection counts for, each with its multiple of the share of one address. The holder of one IPv6
/// address holds its /64, and many hold a /48.
fn networks_of(address: IpAddr) -> Vec<(Network, usize)> {
    match address.to_canonical() {
        IpAddr::V4(address) => vec![((address.into(), 32), 1)],
        IpAddr::V6(address) => {
            let prefix = |length: u32| {
                (Ipv6Addr::from(u128::from(address) & (u128::MAX << (128 - length))).into(), length)
            };
            vec![(prefix(64), 1), (prefix(48), 4)]
        }
    }
}

struct Entry {
    connection: Arc<Connection>,
    address: IpAddr,
    /// `None` until the task is started.
    task: Option<AbortHandle>,
}

/// One of the limited number of connections; dropping it frees it.
pub(crate) struct Slot {
    number: u64,
    registry: Arc<Registry>,
}

impl Entry {
    fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Slot {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.registry.remove(self.number);
    }
}

impl Registry {
    pub(crate) fn new(limits: Arc<Limits>, observer: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self { limits, observer, open: Mutex::default(), empty: Notify::new() })
    }

    /// Takes a slot for a new connection, or says why there is none. When all are taken, the connections that have been
    /// silent longest are evicted.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        address: IpAddr,
        connection: &Arc<Connection>,
        now: Tick,
    ) -> Result<Slot, CloseReason> {
        let mut open = self.lock();
        let networks = networks_of(address);
        let is_full = |(network, times): &(Network, usize)| {
            let count = open.by_network.get(network).copied().unwrap_or_default();
            count >= self.limits.max_connections_per_address.saturating_mul(*times)
        };
        if networks.iter().any(is_full) && !(self.limits.is_shared)(address) {
            return Err(CloseReason::AddressFull);
        }
        if open.entries.len() >= self.limits.max_connections && !self.evict(&open, now) {
            return Err(CloseReason::Overloaded);
        }
        let number = open.next;
        open.next += 1;
        open.entries.insert(number, Entry { connection: Arc::clone(connection), address, task: None });
        for (network, _) in networks {
            *open.by_network.entry(network).or_default() += 1;
        }
        self.observer.open_connections(open.entries.len());
        Ok(Slot { number, registry: Arc::clone(self) })
    }

    /// Stores the task that serves a connection, unless the connection has ended.
    pub(crate) fn attach(&self, number: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().entries.get_mut(&number) {
            entry.task = Some(task);
        }
    }

    fn evict(&self, open: &Open, now: Tick) -> bool {
        let mut candidates: Vec<_> = open
            .entries
            .values()
            .filter_map(|entry| entry.connection.eviction_rank(now).map(|rank| (rank, entry)))
            .collect();
        candidates.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        let mut evicted = 0;
        for (_, entry) in candidates.into_iter().take(EVICTION_BATCH) {
            if entry.connection.evict(now) {
                entry.abort();
                self.observer.closed_early(CloseReason::Evicted);
                evicted += 1;
            }
        }
        evicted > 0
    }

    /// Closes the connections that are overdue.
    pub(crate) fn end_overdue(&self, now: Tick) {
        let open = self.lock();
        for entry in open.entries.values() {
            if let Some(reason) = entry.connection.overdue(now, &self.limits) {
                self.observer.closed_early(reason);
            }
            if entry.connection.is_closing() {
                entry.abort();
            }
        }
    }

    /// Closes the connections on which no request is under way and nothing has arrived for `at_least` ticks.
    pub(crate) fn end_resting(&self, now: Tick, at_least: Tick) {
        for entry in self.lock().entries.values() {
            if entry.connection.close_if_resting(now, at_least) {
                entry.abort();
            }
        }
    }

    pub(crate) fn end_all(&self) {
        for entry in self.lock().entries.values() {
            entry.abort();
        }
    }

    /// Waits until no connection is open.
    pub(crate) async fn emptied(&self) {
        loop {
            let notified = self.empty.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.lock().entries.is_empty() {
                return;
            }
            notified.await;
        }
    }

    fn remove(&self, number: u64) {
        let mut open = self.lock();
        let Some(entry) = open.entries.remove(&number) else { return };
        for (network, _) in networks_of(entry.address) {
            if let Some(count) = open.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    open.by_network.remove(&network);
                }
            }
        }
        self.observer.open_connections(open.entries.len());
        if open.entries.is_empty() {
            self.empty.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::NoObserver;

    fn registry() -> Arc<Registry> {
        let limits = Limits { max_connections: 1_000, max_connections_per_address: 2, ..Limits::default() };
        Registry::new(Arc::new(limits), Arc::new(NoObserver))
    }

    fn reserve(registry: &Arc<Registry>, address: &str) -> Result<Slot, CloseReason> {
        registry.reserve(address.parse().unwrap(), &Arc::new(Connection::new(0)), 0)
    }

    /// The slots that ten connections from addresses of this form get.
    fn slots(registry: &Arc<Registry>, address: impl Fn(u8) -> String) -> Vec<Slot> {
        (0..10).filter_map(|number| reserve(registry, &address(number)).ok()).collect()
    }

    #[test]
    fn k8_the_addresses_of_a_64_share_the_places_of_one_and_a_48_has_four_times_as_many() {
        let registry = registry();
        let in_a_64 = slots(&registry, |number| format!("2001:db8:1:1::{number}"));
        assert_eq!(in_a_64.len(), 2);
        let in_a_48 = slots(&registry, |number| format!("2001:db8:1:1{number}::1"));
        assert_eq!(in_a_48.len(), 6, "eight with those above");
        assert_eq!(slots(&registry, |number| format!("2001:db8:2:1{number}::1")).len(), 8, "another /48");
        drop((in_a_64, in_a_48));
        assert_eq!(
            slots(&registry, |number| format!("2001:db8:1:1{number}::1")).len(),
            8,
            "all are free again"
        );
        assert!(registry.lock().by_network.is_empty(), "and nothing is kept");
    }

    #[test]
    fn k8_an_address_of_version_4_is_one_in_either_form() {
        let registry = registry();
        let slots = ["203.0.113.7", "::ffff:203.0.113.7"].map(|address| reserve(&registry, address).unwrap());
        assert_eq!(reserve(&registry, "203.0.113.7").err(), Some(CloseReason::AddressFull));
        let neighbour = reserve(&registry, "203.0.113.8");
        assert!(neighbour.is_ok());
        drop(slots);
        assert!(reserve(&registry, "::ffff:203.0.113.7").is_ok());
    }
}
