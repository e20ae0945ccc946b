//! All open connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::connection::{Connection, Tick};
use crate::limits::Limits;
use crate::observer::{Observer, Refusal};

/// How many make place at once when all places are taken, so that the search is not for one alone.
const DISPLACED_AT_ONCE: usize = 16;

pub(crate) struct Registry {
    limits: Arc<Limits>,
    observer: Arc<dyn Observer>,
    open: Mutex<Open>,
    /// Told when the last one closes.
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

/// Where a connection counts, and how many times the share of one address these have together: whoever has one address of version
/// 6 has its /64, and many have a /48.
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
    /// Nothing for the moment in which it is being started.
    task: Option<AbortHandle>,
}

/// A place among the open connections; dropping it leaves the place.
pub(crate) struct Place {
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

impl Place {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry.remove(self.number);
    }
}

impl Registry {
    pub(crate) fn new(limits: Arc<Limits>, observer: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self { limits, observer, open: Mutex::default(), empty: Notify::new() })
    }

    /// Gives a new connection its place, or says why there is none. When all places are taken, those that have been
    /// silent longest make place: whoever speaks comes first.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        address: IpAddr,
        connection: &Arc<Connection>,
        now: Tick,
    ) -> Result<Place, Refusal> {
        let mut open = self.lock();
        let networks = networks_of(address);
        let is_full = |(network, times): &(Network, usize)| {
            let count = open.by_network.get(network).copied().unwrap_or_default();
            count >= self.limits.max_connections_per_address.saturating_mul(*times)
        };
        if networks.iter().any(is_full) && !(self.limits.is_shared)(address) {
            return Err(Refusal::AddressFull);
        }
        if open.entries.len() >= self.limits.max_connections && !self.make_place(&open, now) {
            return Err(Refusal::Full);
        }
        let number = open.next;
        open.next += 1;
        open.entries.insert(number, Entry { connection: Arc::clone(connection), address, task: None });
        for (network, _) in networks {
            *open.by_network.entry(network).or_default() += 1;
        }
        self.observer.open_connections(open.entries.len());
        Ok(Place { number, registry: Arc::clone(self) })
    }

    /// Says which task serves a connection, unless it is over already.
    pub(crate) fn attach(&self, number: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().entries.get_mut(&number) {
            entry.task = Some(task);
        }
    }

    fn make_place(&self, open: &Open, now: Tick) -> bool {
        let mut candidates: Vec<_> = open
            .entries
            .values()
            .filter_map(|entry| entry.connection.expendable(now).map(|how| (how, entry)))
            .collect();
        candidates.sort_unstable_by_key(|(how, _)| std::cmp::Reverse(*how));
        let mut displaced = 0;
        for (_, entry) in candidates.into_iter().take(DISPLACED_AT_ONCE) {
            if entry.connection.displace(now) {
                entry.abort();
                self.observer.refused(Refusal::Displaced);
                displaced += 1;
            }
        }
        displaced > 0
    }

    /// Ends what has kept us waiting for too long.
    pub(crate) fn end_overdue(&self, now: Tick) {
        let open = self.lock();
        for entry in open.entries.values() {
            if let Some(reason) = entry.connection.overdue(now, &self.limits) {
                self.observer.refused(reason);
            }
            if entry.connection.is_closing() {
                entry.abort();
            }
        }
    }

    /// Ends the connections on which nothing is under way and nothing has come for so long.
    pub(crate) fn end_resting(&self, now: Tick, at_least: Tick) {
        for entry in self.lock().entries.values() {
            if entry.connection.give_up_if_resting(now, at_least) {
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
            let told = self.empty.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.lock().entries.is_empty() {
                return;
            }
            told.await;
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

    fn reserve(registry: &Arc<Registry>, address: &str) -> Result<Place, Refusal> {
        registry.reserve(address.parse().unwrap(), &Arc::new(Connection::new(0)), 0)
    }

    /// How many of ten connections from addresses of this form find a place, which they keep.
    fn places(registry: &Arc<Registry>, address: impl Fn(u8) -> String) -> Vec<Place> {
        (0..10).filter_map(|number| reserve(registry, &address(number)).ok()).collect()
    }

    #[test]
    fn k8_the_addresses_of_a_64_share_the_places_of_one_and_a_48_has_four_times_as_many() {
        let registry = registry();
        let in_a_64 = places(&registry, |number| format!("2001:db8:1:1::{number}"));
        assert_eq!(in_a_64.len(), 2);
        let in_a_48 = places(&registry, |number| format!("2001:db8:1:1{number}::1"));
        assert_eq!(in_a_48.len(), 6, "eight with those above");
        assert_eq!(places(&registry, |number| format!("2001:db8:2:1{number}::1")).len(), 8, "another /48");
        drop((in_a_64, in_a_48));
        assert_eq!(
            places(&registry, |number| format!("2001:db8:1:1{number}::1")).len(),
            8,
            "all are free again"
        );
        assert!(registry.lock().by_network.is_empty(), "and nothing is kept");
    }

    #[test]
    fn k8_an_address_of_version_4_is_one_in_either_form() {
        let registry = registry();
        let places =
            ["203.0.113.7", "::ffff:203.0.113.7"].map(|address| reserve(&registry, address).unwrap());
        assert_eq!(reserve(&registry, "203.0.113.7").err(), Some(Refusal::AddressFull));
        let neighbour = reserve(&registry, "203.0.113.8");
        assert!(neighbour.is_ok());
        drop(places);
        assert!(reserve(&registry, "::ffff:203.0.113.7").is_ok());
    }
}
