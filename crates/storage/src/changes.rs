//! What may have changed since it was read, and until when that is known for sure.
//!
//! Whoever keeps a copy takes a [`Stamp`] before it reads, keeps the stamp with the copy, and uses the copy for as long as
//! [`Changes::vouch_for`] the stamp. Counters are moved by what is told, never back; so a copy that was being read while its
//! original changed is never used, whichever of the two came first.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use vestibule_domain::{SessionId, UserId};

/// How long a confirmation counts. Together with the time that one takes it stays within the second in which a sign-out is
/// promised to be seen everywhere.
pub const BELIEF: Duration = Duration::from_millis(800);

/// Sessions and users share counters, so that their number is bounded; a copy that shares one is only read again.
const COUNTERS: usize = 4096;

/// Something that copies may have been made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A session ended, or is another than it was.
    Session(SessionId),
    /// A user, or all that the user is signed in with.
    User(UserId),
    /// It is not known what.
    Anything,
}

/// When a copy was made, in terms of what had been told by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    era: u64,
    /// A sum of counters that only grow: it stands still only if all of them do.
    told: u64,
}

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// The changes that this process has heard of: its own at once, those of others from the database's feed.
pub struct Changes {
    began: Instant,
    /// Microseconds from the beginning to the last confirmation; 0 before the first.
    confirmed: AtomicU64,
    era: AtomicU64,
    anything: AtomicU64,
    counters: Box<[AtomicU64]>,
    hasher: RandomState,
    listeners: RwLock<Vec<Listener>>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            confirmed: AtomicU64::new(0),
            era: AtomicU64::new(0),
            anything: AtomicU64::new(0),
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            listeners: RwLock::default(),
        }
    }

    /// Calls `listener` with every change, on the task that tells of it: it must be quick and may not block.
    pub fn subscribe(&self, listener: impl Fn(&Change) + Send + Sync + 'static) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// The stamp of this moment for a copy of a session and its user. To be taken before the original is read.
    pub fn stamp(&self, session: &SessionId, user: &UserId) -> Stamp {
        let counters = [&self.anything, self.counter(session.as_str()), self.counter(user.as_str())];
        let told = counters.iter().map(|counter| counter.load(Ordering::SeqCst)).fold(0, u64::wrapping_add);
        Stamp { era: self.era.load(Ordering::SeqCst), told }
    }

    /// Whether nothing was told since the stamp was taken, and whatever happened until [`BELIEF`] ago would have been.
    pub fn vouch_for(&self, stamp: Stamp, session: &SessionId, user: &UserId, now: Instant) -> bool {
        // INVARIANT: the confirmation is looked at first. All that it covers was told before it was written, and is seen below.
        self.is_confirmed(now) && self.stamp(session, user) == stamp
    }

    /// The last moment for which it is known that no change of this session or user since the stamp was missed; `None` when
    /// there was one. For those who go on with a copy although nothing is confirmed any more.
    pub fn last_known(&self, stamp: Stamp, session: &SessionId, user: &UserId) -> Option<LastKnown> {
        let confirmed = self.confirmed_at();
        let now = self.stamp(session, user);
        if now.told != stamp.told {
            return None;
        }
        Some(if now.era == stamp.era { LastKnown::ConfirmedAt(confirmed) } else { LastKnown::AsItWasRead })
    }

    /// Whether what others change is known up to a moment ago.
    pub fn is_confirmed(&self, now: Instant) -> bool {
        self.confirmed_at().is_some_and(|at| now.saturating_duration_since(at) <= BELIEF)
    }

    fn confirmed_at(&self) -> Option<Instant> {
        match self.confirmed.load(Ordering::SeqCst) {
            0 => None,
            micros => Some(self.began + Duration::from_micros(micros)),
        }
    }

    /// Notes a change.
    pub(crate) fn tell(&self, change: &Change) {
        let counter = match change {
            Change::Session(session) => self.counter(session.as_str()),
            Change::User(user) => self.counter(user.as_str()),
            Change::Anything => &self.anything,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        self.call_listeners(change);
    }

    /// Notes the change when the answer is dropped: when a write has come to its end, whichever that is.
    #[must_use]
    pub(crate) fn tell_at_the_end(&self, change: Change) -> Telling<'_> {
        Telling { changes: self, change }
    }

    /// A feed begins. What happened since the one before is unknown, so no earlier stamp is vouched for any more.
    pub(crate) fn begin_era(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
        self.call_listeners(&Change::Anything);
    }

    /// All that was committed before this moment has been told.
    pub(crate) fn confirm(&self, until: Instant) {
        let micros =
            u64::try_from(until.saturating_duration_since(self.began).as_micros()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(micros.max(1), Ordering::SeqCst);
    }

    fn call_listeners(&self, change: &Change) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener(change));
    }

    fn counter(&self, id: &str) -> &AtomicU64 {
        let hash = usize::try_from(self.hasher.hash_one(id) % COUNTERS as u64).unwrap_or(0);
        self.counters.get(hash).unwrap_or(&self.anything)
    }
}

/// Until when a copy is known to have been right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastKnown {
    /// Until the last confirmation, if there was one.
    ConfirmedAt(Option<Instant>),
    /// At the time when it was made.
    AsItWasRead,
}

/// Tells when it is dropped.
pub(crate) struct Telling<'a> {
    changes: &'a Changes,
    change: Change,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.changes.tell(&self.change);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn ids(session: &str, user: &str) -> (SessionId, UserId) {
        (SessionId::parse(session).unwrap(), UserId::parse(user).unwrap())
    }

    #[test]
    fn d9_a_copy_counts_only_while_the_feed_is_confirmed() {
        let changes = Changes::new();
        let (session, user) = ids("s", "ada");
        let stamp = changes.stamp(&session, &user);
        let counts = |at| changes.vouch_for(stamp, &session, &user, at);
        let asked = Instant::now();
        assert!(!counts(asked), "nothing was ever confirmed");
        changes.confirm(asked);
        assert!(counts(asked) && counts(asked + BELIEF / 2));
        assert!(!counts(asked + BELIEF + Duration::from_millis(1)));
        changes.confirm(asked + BELIEF * 2);
        assert!(counts(asked + BELIEF * 5 / 2), "the same feed, only late: nothing was missed");
        changes.confirm(asked);
        assert!(counts(asked + BELIEF * 2), "what was known once stays known");
        changes.begin_era();
        assert!(!counts(asked + BELIEF * 2), "another feed");
    }

    #[test]
    fn d9_a_change_ends_the_copies_of_its_session_or_user_and_hardly_any_other() {
        let changes = Changes::new();
        changes.confirm(Instant::now());
        let (session, ada) = ids("s", "ada");
        for change in [Change::Session(session.clone()), Change::User(ada.clone()), Change::Anything] {
            let (stamp, now) = (changes.stamp(&session, &ada), Instant::now());
            let others: Vec<_> = (0..100).map(|n| ids(&format!("s{n}"), &format!("u{n}"))).collect();
            let stamps: Vec<_> = others.iter().map(|(s, u)| changes.stamp(s, u)).collect();
            changes.tell(&change);
            assert!(!changes.vouch_for(stamp, &session, &ada, now), "{change:?}");
            let untouched =
                others.iter().zip(stamps).filter(|((s, u), stamp)| changes.vouch_for(*stamp, s, u, now));
            let expected = if change == Change::Anything { 0..=0 } else { 90..=100 };
            assert!(expected.contains(&untouched.count()), "{change:?}");
        }
    }

    #[test]
    fn a_write_that_is_given_up_is_told_as_well_and_listeners_hear_of_all() {
        let changes = Changes::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        changes.subscribe(move |change| ears.lock().unwrap().push(change.clone()));
        let (session, _) = ids("s", "ada");
        drop(changes.tell_at_the_end(Change::Session(session.clone())));
        changes.begin_era();
        assert_eq!(*heard.lock().unwrap(), [Change::Session(session), Change::Anything]);
    }
}
