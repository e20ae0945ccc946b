//! Single flight: concurrent callers of the same key share one call.
//!
//! A call belongs to all of its callers. It ends with its result or when the last caller has gone; the departure of the first
//! caller changes nothing for the others. The result goes to the callers that wait and is not stored.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// A call under way. Each caller awaits its own clone.
pub(crate) type SharedCall<V> = Shared<BoxFuture<'static, V>>;

/// The role of a caller.
pub(crate) enum Role<V: Clone> {
    /// The first caller, whose call was begun.
    Leader(SharedCall<V>),
    /// A later caller, which shares the call of the first.
    Follower(SharedCall<V>),
}

/// The calls under way, by their keys.
pub(crate) struct SingleFlight<K, V: Clone>(Arc<Mutex<InFlight<K, V>>>);

struct InFlight<K, V: Clone> {
    calls: HashMap<K, (u64, WeakShared<BoxFuture<'static, V>>)>,
    next: u64,
}

/// Removes its call from those under way when dropped.
struct Registration<K: Hash + Eq + Copy, V: Clone> {
    single_flight: Arc<Mutex<InFlight<K, V>>>,
    key: K,
    number: u64,
}

impl<K, V> SingleFlight<K, V>
where
    K: Hash + Eq + Copy + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(InFlight { calls: HashMap::new(), next: 0 })))
    }

    /// Joins the call of this key, or begins one. A call does nothing until a caller awaits it.
    pub(crate) fn join<F>(&self, key: K, call: impl FnOnce() -> F) -> Role<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut in_flight = lock(&self.0);
        if let Some(call) = in_flight.calls.get(&key).and_then(|(_, call)| call.upgrade()) {
            return Role::Follower(call);
        }
        in_flight.next += 1;
        let registration = Registration { single_flight: Arc::clone(&self.0), key, number: in_flight.next };
        let call = call();
        let call = async move {
            let _until_it_is_over = registration;
            call.await
        };
        let call = call.boxed().shared();
        if let Some(weak) = call.downgrade() {
            let number = in_flight.next;
            in_flight.calls.insert(key, (number, weak));
        }
        Role::Leader(call)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Hash + Eq + Copy, V: Clone> Drop for Registration<K, V> {
    fn drop(&mut self) {
        // A later call may have replaced one whose callers all went away.
        if let Entry::Occupied(entry) = lock(&self.single_flight).calls.entry(self.key)
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
        single_flight: SingleFlight<u8, u32>,
        calls: Arc<AtomicU32>,
        gate: watch::Sender<bool>,
    }

    impl Stage {
        fn new() -> Self {
            Self { single_flight: SingleFlight::new(), calls: Arc::default(), gate: watch::channel(false).0 }
        }

        fn join(&self, key: u8) -> Role<u32> {
            self.single_flight.join(key, || {
                let (calls, mut gate) = (Arc::clone(&self.calls), self.gate.subscribe());
                async move {
                    let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
                    gate.wait_for(|open| *open).await.unwrap();
                    number
                }
            })
        }

        fn lead(&self, key: u8) -> SharedCall<u32> {
            match self.join(key) {
                Role::Leader(call) => call,
                Role::Follower(_) => panic!("somebody asks already"),
            }
        }

        fn follow(&self, key: u8) -> SharedCall<u32> {
            match self.join(key) {
                Role::Follower(call) => call,
                Role::Leader(_) => panic!("nobody asks"),
            }
        }

        fn open(&self) {
            self.gate.send_replace(true);
        }

        fn is_empty(&self) -> bool {
            lock(&self.single_flight.0).calls.is_empty()
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
        let early = Registration { single_flight: Arc::clone(&stage.single_flight.0), key: 1, number: 0 };
        let later = stage.lead(1);
        drop(early);
        stage.open();
        assert_eq!((stage.follow(1).await, later.await), (1, 1));
    }
}
