//! One call for several who want the same at the same moment.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The calls that are under way, by what they ask.
pub(crate) struct Flights<K, V>(Mutex<HashMap<K, watch::Receiver<Option<V>>>>);

/// What somebody who wants an answer gets.
pub(crate) enum Seat<'a, K: Hash + Eq, V> {
    /// Nobody asks yet: ask.
    Leader(Lead<'a, K, V>),
    /// Somebody asks already.
    Follower(Follow<V>),
}

/// The duty to ask. Dropped without an answer it leaves those who wait to ask for themselves.
pub(crate) struct Lead<'a, K: Hash + Eq, V> {
    flights: &'a Flights<K, V>,
    key: K,
    answer: watch::Sender<Option<V>>,
}

/// The wait for the answer that somebody else asked for.
pub(crate) struct Follow<V>(watch::Receiver<Option<V>>);

impl<K: Hash + Eq + Clone, V> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    pub(crate) fn join(&self, key: &K) -> Seat<'_, K, V> {
        let mut flights = self.lock();
        if let Some(answer) = flights.get(key) {
            return Seat::Follower(Follow(answer.clone()));
        }
        let (answer, receiver) = watch::channel(None);
        flights.insert(key.clone(), receiver);
        Seat::Leader(Lead { flights: self, key: key.clone(), answer })
    }
}

impl<K, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Lead<'_, K, V> {
    /// Gives the answer to all who wait for it.
    pub(crate) fn land(self, answer: V) {
        self.answer.send_replace(Some(answer));
    }
}

impl<K: Hash + Eq, V> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl<V: Clone> Follow<V> {
    /// The answer; `None` when whoever asked went away without one.
    pub(crate) async fn wait(mut self) -> Option<V> {
        let answer = self.0.wait_for(Option::is_some).await;
        answer.ok().and_then(|answer| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(flights: &Flights<u8, u8>, key: u8) -> Lead<'_, u8, u8> {
        match flights.join(&key) {
            Seat::Leader(lead) => lead,
            Seat::Follower(_) => panic!("somebody asks already"),
        }
    }

    fn follow(flights: &Flights<u8, u8>, key: u8) -> Follow<u8> {
        match flights.join(&key) {
            Seat::Follower(follow) => follow,
            Seat::Leader(_) => panic!("nobody asks"),
        }
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_share_the_answer_and_those_after_ask_again() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let followers = [follow(&flights, 1), follow(&flights, 1)];
        drop(lead(&flights, 2));
        leader.land(7);
        for follower in followers {
            assert_eq!(follower.wait().await, Some(7));
        }
        drop(lead(&flights, 1));
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_leader_who_goes_away_leaves_the_others_to_themselves() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let follower = follow(&flights, 1);
        drop(leader);
        assert_eq!(follower.wait().await, None);
        lead(&flights, 1).land(7);
    }
}
