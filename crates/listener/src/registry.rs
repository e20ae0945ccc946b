//! All open connections.

use std::collections::HashMap;
use std::net::IpAddr;
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
    by_address: HashMap<IpAddr, usize>,
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
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        if of_address >= self.limits.max_connections_per_address && !(self.limits.is_shared)(address) {
            return Err(Refusal::AddressFull);
        }
        if open.entries.len() >= self.limits.max_connections && !self.make_place(&open, now) {
            return Err(Refusal::Full);
        }
        let number = open.next;
        open.next += 1;
        open.entries.insert(number, Entry { connection: Arc::clone(connection), address, task: None });
        *open.by_address.entry(address).or_default() += 1;
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
        if let Some(count) = open.by_address.get_mut(&entry.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&entry.address);
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
