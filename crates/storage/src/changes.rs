//! What may have changed since it was read, and until when that is known for sure.
//!
//! Whoever keeps a copy takes a [`Version`] before it reads, keeps the version with the copy, and uses the copy for as long as
//! [`Changes::is_current`] the version. Counters are moved by what is published, never back; so a copy that was being read while its
//! original changed is never used, whichever of the two came first.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use vestibule_domain::{SessionId, UserId};

/// How long a confirmation counts. Together with the time that one takes it stays within the second in which a sign-out is
/// promised to be seen everywhere.
pub const LEASE: Duration = Duration::from_millis(800);

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
pub struct Version {
    epoch: u64,
    /// A sum of counters that only grow: it stands still only if all of them do.
    published: u64,
}

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// The changes that this process has heard of: its own at once, those of others from the database's feed.
pub struct Changes {
    began: Instant,
    /// Microseconds from the beginning to the last confirmation; 0 before the first.
    confirmed: AtomicU64,
    epoch: AtomicU64,
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
            epoch: AtomicU64::new(0),
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

    /// The version of this moment for a copy of a session and its user. To be taken before the original is read.
    pub fn version(&self, session: &SessionId, user: &UserId) -> Version {
        let counters = [&self.anything, self.counter(session.as_str()), self.counter(user.as_str())];
        let published =
            counters.iter().map(|counter| counter.load(Ordering::SeqCst)).fold(0, u64::wrapping_add);
        Version { epoch: self.epoch.load(Ordering::SeqCst), published }
    }

    /// Whether nothing was told since the version was taken, and whatever happened until [`LEASE`] ago would have been.
    pub fn is_current(&self, version: Version, session: &SessionId, user: &UserId, now: Instant) -> bool {
        // INVARIANT: the confirmation is looked at first. All that it covers was told before it was written, and is seen below.
        self.is_confirmed(now) && self.version(session, user) == version
    }

    /// The last moment for which it is known that no change of this session or user since the version was missed; `None` when
    /// there was one. For those who go on with a copy although nothing is confirmed any more.
    pub fn last_known(&self, version: Version, session: &SessionId, user: &UserId) -> Option<LastKnown> {
        let confirmed = self.confirmed_at();
        let now = self.version(session, user);
        if now.published != version.published {
            return None;
        }
        Some(if now.epoch == version.epoch {
            LastKnown::ConfirmedAt(confirmed)
        } else {
            LastKnown::AsItWasRead
        })
    }

    /// Whether what others change is known up to a moment ago.
    pub fn is_confirmed(&self, now: Instant) -> bool {
        self.confirmed_at().is_some_and(|at| now.saturating_duration_since(at) <= LEASE)
    }

    fn confirmed_at(&self) -> Option<Instant> {
        match self.confirmed.load(Ordering::SeqCst) {
            0 => None,
            micros => Some(self.began + Duration::from_micros(micros)),
        }
    }

    /// Notes a change.
    pub(crate) fn publish(&self, change: &Change) {
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
    pub(crate) fn publish_on_drop(&self, change: Change) -> PublishGuard<'_> {
        PublishGuard { changes: self, change }
    }

    /// A feed begins. What happened since the one before is unknown, so no earlier version is vouched for any more.
    pub(crate) fn reset(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.call_listeners(&Change::Anything);
    }

    /// All that was committed before this moment has been published.
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
pub(crate) struct PublishGuard<'a> {
    changes: &'a Changes,
    change: Change,
}

impl Drop for PublishGuard<'_> {
    fn drop(&mut self) {
        self.changes.publish(&self.change);
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
        let version = changes.version(&session, &user);
        let counts = |at| changes.is_current(version, &session, &user, at);
        let asked = Instant::now();
        assert!(!counts(asked), "nothing was ever confirmed");
        changes.confirm(asked);
        assert!(counts(asked) && counts(asked + LEASE / 2));
        assert!(!counts(asked + LEASE + Duration::from_millis(1)));
        changes.confirm(asked + LEASE * 2);
        assert!(counts(asked + LEASE * 5 / 2), "the same feed, only late: nothing was missed");
        changes.confirm(asked);
        assert!(counts(asked + LEASE * 2), "what was known once stays known");
        changes.reset();
        assert!(!counts(asked + LEASE * 2), "another feed");
    }

    #[test]
    fn d9_a_change_ends_the_copies_of_its_session_or_user_and_hardly_any_other() {
        let changes = Changes::new();
        changes.confirm(Instant::now());
        let (session, ada) = ids("s", "ada");
        for change in [Change::Session(session.clone()), Change::User(ada.clone()), Change::Anything] {
            let (version, now) = (changes.version(&session, &ada), Instant::now());
            let others: Vec<_> = (0..100).map(|n| ids(&format!("s{n}"), &format!("u{n}"))).collect();
            let versions: Vec<_> = others.iter().map(|(s, u)| changes.version(s, u)).collect();
            changes.publish(&change);
            assert!(!changes.is_current(version, &session, &ada, now), "{change:?}");
            let untouched = others
                .iter()
                .zip(versions)
                .filter(|((s, u), version)| changes.is_current(*version, s, u, now));
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
        drop(changes.publish_on_drop(Change::Session(session.clone())));
        changes.reset();
        assert_eq!(*heard.lock().unwrap(), [Change::Session(session), Change::Anything]);
    }
}
