//! One call for several who want the same at the same moment.
//!
//! A call belongs to all who wait for it, and ends when it has its answer or nobody waits any more: that the one who came
//! first goes away changes nothing for the others. What a call came to is told to those who wait, and kept for nobody.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// A call under way, and the wait for it.
pub(crate) type Flight<V> = Shared<BoxFuture<'static, V>>;

/// What somebody who wants an answer gets.
pub(crate) enum Seat<V: Clone> {
    /// Nobody asked yet: the call that was begun.
    Leader(Flight<V>),
    /// Somebody asks already.
    Follower(Flight<V>),
}

/// The calls that are under way, by what they ask.
pub(crate) struct Flights<K, V: Clone>(Arc<Mutex<UnderWay<K, V>>>);

struct UnderWay<K, V: Clone> {
    calls: HashMap<K, (u64, WeakShared<BoxFuture<'static, V>>)>,
    next: u64,
}

/// The place of a call among those under way, until it is over.
struct Place<K: Hash + Eq + Copy, V: Clone> {
    flights: Arc<Mutex<UnderWay<K, V>>>,
    key: K,
    number: u64,
}

impl<K, V> Flights<K, V>
where
    K: Hash + Eq + Copy + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(UnderWay { calls: HashMap::new(), next: 0 })))
    }

    /// Joins those who ask the same, or begins a call. Nothing of it happens before somebody waits for it.
    pub(crate) fn join<F>(&self, key: K, call: impl FnOnce() -> F) -> Seat<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut under_way = lock(&self.0);
        if let Some(flight) = under_way.calls.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return Seat::Follower(flight);
        }
        under_way.next += 1;
        let place = Place { flights: Arc::clone(&self.0), key, number: under_way.next };
        let call = call();
        let flight = async move {
            let _until_it_is_over = place;
            call.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            let number = under_way.next;
            under_way.calls.insert(key, (number, weak));
        }
        Seat::Leader(flight)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Hash + Eq + Copy, V: Clone> Drop for Place<K, V> {
    fn drop(&mut self) {
        // Another call may have taken the place of one that nobody waited for.
        if let Entry::Occupied(entry) = lock(&self.flights).calls.entry(self.key)
            && entry.get().0 == self.number
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::*;

    /// Calls that are answered when the gate says so, by their number.
    struct Stage {
        flights: Flights<u8, u32>,
        calls: Arc<AtomicU32>,
        gate: watch::Sender<bool>,
    }

    impl Stage {
        fn new() -> Self {
            Self { flights: Flights::new(), calls: Arc::default(), gate: watch::channel(false).0 }
        }

        fn join(&self, key: u8) -> Seat<u32> {
            self.flights.join(key, || {
                let (calls, mut gate) = (Arc::clone(&self.calls), self.gate.subscribe());
                async move {
                    let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
                    gate.wait_for(|open| *open).await.unwrap();
                    number
                }
            })
        }

        fn lead(&self, key: u8) -> Flight<u32> {
            match self.join(key) {
                Seat::Leader(flight) => flight,
                Seat::Follower(_) => panic!("somebody asks already"),
            }
        }

        fn follow(&self, key: u8) -> Flight<u32> {
            match self.join(key) {
                Seat::Follower(flight) => flight,
                Seat::Leader(_) => panic!("nobody asks"),
            }
        }

        fn open(&self) {
            self.gate.send_replace(true);
        }

        fn is_empty(&self) -> bool {
            lock(&self.flights.0).calls.is_empty()
        }
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_share_the_answer_and_those_after_ask_again() {
        let stage = Stage::new();
        let leader = stage.lead(1);
        let followers = [stage.follow(1), stage.follow(1)];
        drop(stage.lead(2));
        stage.open();
        assert_eq!(leader.await, 1);
        assert!(stage.is_empty());
        for follower in followers {
            assert_eq!(follower.await, 1);
        }
        assert_eq!(stage.lead(1).await, 2);
    }

    #[tokio::test]
    async fn e4_a_leader_who_goes_away_takes_nobody_with_them() {
        let stage = Stage::new();
        let leader = stage.lead(1);
        let follower = stage.follow(1);
        assert!(timeout(Duration::ZERO, leader).await.is_err());
        let last = stage.follow(1);
        stage.open();
        assert_eq!((follower.await, last.await), (1, 1), "the same call");
        assert!(stage.is_empty());
    }

    #[tokio::test]
    async fn e4_a_call_that_nobody_waits_for_is_no_more() {
        let stage = Stage::new();
        assert!(timeout(Duration::ZERO, stage.lead(1)).await.is_err());
        assert!(stage.is_empty());
        stage.open();
        assert_eq!(stage.lead(1).await, 2);
    }

    #[tokio::test]
    async fn an_earlier_call_that_ends_takes_not_the_place_of_a_later_one() {
        let stage = Stage::new();
        let early = Place { flights: Arc::clone(&stage.flights.0), key: 1, number: 0 };
        let later = stage.lead(1);
        drop(early);
        stage.open();
        assert_eq!((stage.follow(1).await, later.await), (1, 1));
    }
}
