//! Which records have changed since a copy of them was made, and until when that is known.
//!
//! A cache takes a [`Version`] before it reads records, stores the version with the copy, and uses the copy while
//! [`Changes::is_current`]. A published change moves a counter, which never moves back, so a copy that was read while its
//! original changed is never used, whichever came first.
//!
//! To cache another kind of record, add it to [`RecordKind`] and let triggers publish its changes, in a migration.

mod record;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use vestibule_domain::EpochTable;

pub use record::{Change, Record, RecordKind};

/// How long a confirmation counts. With the time that one takes it stays within the second in which a sign-out is
/// promised to take effect everywhere.
pub const LEASE: Duration = Duration::from_millis(800);

/// How many counters all records share. Two records that share one cost a read, nothing else.
const COUNTERS: usize = 4096;

/// The state of some records when a copy of them was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    epoch: u64,
    /// A sum of epochs that only grow: it stands still only if all of them do.
    published: u64,
}

/// A point in the stream of changes: for who reads records without knowing yet which they will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    epoch: u64,
    /// How many changes were published before it.
    count: u64,
}

type Listener = Box<dyn Fn(Change<'_>) + Send + Sync>;

/// The changes that this process knows: its own at once, those of others from the database's feed.
pub struct Changes {
    began: Instant,
    /// Microseconds from the beginning to the last confirmation; 0 before the first.
    confirmed: AtomicU64,
    epoch: AtomicU64,
    /// How many changes were published.
    count: AtomicU64,
    published: EpochTable,
    listeners: RwLock<Vec<Listener>>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            confirmed: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            count: AtomicU64::new(0),
            published: EpochTable::new(COUNTERS),
            listeners: RwLock::default(),
        }
    }

    /// Calls `listener` with every change, on the task that publishes it: it must be quick and may not block.
    pub fn subscribe(&self, listener: impl Fn(Change<'_>) + Send + Sync + 'static) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// The present version of these records. To be taken before the originals are read.
    pub fn version(&self, records: &[Record<'_>]) -> Version {
        let epochs = records.iter().map(|record| self.published.epoch(record));
        let published = epochs.fold(0, u64::wrapping_add);
        Version { epoch: self.epoch.load(Ordering::SeqCst), published }
    }

    /// The present point. To be taken before records are read of which it is not known yet which they are.
    pub fn point(&self) -> Point {
        Point { epoch: self.epoch.load(Ordering::SeqCst), count: self.count.load(Ordering::SeqCst) }
    }

    /// The version of records that were read since `point`, if nothing at all has changed meanwhile. `None` means that they may have:
    /// who reads them once more takes their version before.
    pub fn version_since(&self, point: Point, records: &[Record<'_>]) -> Option<Version> {
        let version = self.version(records);
        // INVARIANT: a change is counted before it moves the counter of its record, so one that is in the version is seen here.
        (self.point() == point).then_some(version)
    }

    /// True if no change of these records was published since `version` and the lease is valid.
    pub fn is_current(&self, version: Version, records: &[Record<'_>], now: Instant) -> bool {
        // INVARIANT: the confirmation is read first. All that it covers was published before it was written, and is seen below.
        self.is_confirmed(now) && self.version(records) == version
    }

    /// The last moment for which it is known that no change of these records since `version` was missed; `None` when
    /// there was one. For callers that go on using a copy after the lease has ended.
    pub fn last_known(&self, version: Version, records: &[Record<'_>]) -> Option<LastKnown> {
        let confirmed = self.confirmed_at();
        let now = self.version(records);
        if now.published != version.published {
            return None;
        }
        Some(if now.epoch == version.epoch {
            LastKnown::ConfirmedAt(confirmed)
        } else {
            LastKnown::AsItWasRead
        })
    }

    /// True if the last confirmation is no older than [`LEASE`].
    pub fn is_confirmed(&self, now: Instant) -> bool {
        self.confirmed_at().is_some_and(|at| now.saturating_duration_since(at) <= LEASE)
    }

    fn confirmed_at(&self) -> Option<Instant> {
        match self.confirmed.load(Ordering::SeqCst) {
            0 => None,
            micros => Some(self.began + Duration::from_micros(micros)),
        }
    }

    /// Ends every copy of what changed, and calls the listeners.
    pub(crate) fn publish(&self, change: Change<'_>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        match change {
            Change::Of(record) => self.published.advance(&record),
            Change::Everything => self.published.advance_all(),
        }
        self.call_listeners(change);
    }

    /// Publishes a change of the record when the guard is dropped: when a write has ended, in whichever way.
    #[must_use]
    pub(crate) fn publish_on_drop<'a>(&'a self, record: Record<'a>) -> PublishGuard<'a> {
        PublishGuard { changes: self, record }
    }

    /// Starts a new epoch with a new feed. What happened between two feeds is unknown, so no earlier version is current any more.
    pub(crate) fn reset(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.call_listeners(Change::Everything);
    }

    /// Confirms that every change that was committed before this moment has been published.
    pub(crate) fn confirm(&self, until: Instant) {
        let micros =
            u64::try_from(until.saturating_duration_since(self.began).as_micros()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(micros.max(1), Ordering::SeqCst);
    }

    fn call_listeners(&self, change: Change<'_>) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener(change));
    }
}

/// Until when a copy is known to have been right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastKnown {
    /// Until the last confirmation, if there was one.
    ConfirmedAt(Option<Instant>),
    /// When it was made.
    AsItWasRead,
}

/// Publishes a change when it is dropped.
pub(crate) struct PublishGuard<'a> {
    changes: &'a Changes,
    record: Record<'a>,
}

impl Drop for PublishGuard<'_> {
    fn drop(&mut self) {
        self.changes.publish(Change::Of(self.record));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use vestibule_domain::{SessionId, UserId};

    use super::*;

    fn ids(session: &str, user: &str) -> (SessionId, UserId) {
        (SessionId::parse(session).unwrap(), UserId::parse(user).unwrap())
    }

    fn records<'a>(session: &'a SessionId, user: &'a UserId) -> [Record<'a>; 2] {
        [Record::session(session), Record::user(user)]
    }

    #[test]
    fn d9_a_copy_counts_only_while_the_feed_is_confirmed() {
        let changes = Changes::new();
        let (session, user) = ids("s", "ada");
        let records = records(&session, &user);
        let version = changes.version(&records);
        let counts = |at| changes.is_current(version, &records, at);
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
        for change in
            [Change::Of(Record::session(&session)), Change::Of(Record::user(&ada)), Change::Everything]
        {
            let now = Instant::now();
            let version = changes.version(&records(&session, &ada));
            let others: Vec<_> = (0..100).map(|n| ids(&format!("s{n}"), &format!("u{n}"))).collect();
            let versions: Vec<_> = others.iter().map(|(s, u)| changes.version(&records(s, u))).collect();
            changes.publish(change);
            assert!(!changes.is_current(version, &records(&session, &ada), now), "{change:?}");
            let untouched = others
                .iter()
                .zip(versions)
                .filter(|((s, u), version)| changes.is_current(*version, &records(s, u), now));
            let expected = if change == Change::Everything { 0..=0 } else { 90..=100 };
            assert!(expected.contains(&untouched.count()), "{change:?}");
        }
    }

    #[test]
    fn d9_what_was_read_before_its_records_were_known_counts_only_if_nothing_has_changed_meanwhile() {
        let changes = Changes::new();
        changes.confirm(Instant::now());
        let (session, ada) = ids("s", "ada");
        let records = records(&session, &ada);
        let point = changes.point();
        let version = changes.version_since(point, &records).unwrap();
        assert!(changes.is_current(version, &records, Instant::now()));
        let (_, eve) = ids("s", "eve");
        for change in [Change::Of(Record::user(&eve)), Change::Everything] {
            let point = changes.point();
            changes.publish(change);
            assert_eq!(
                changes.version_since(point, &records),
                None,
                "it may have been one of them: {change:?}"
            );
        }
        let point = changes.point();
        changes.reset();
        assert_eq!(changes.version_since(point, &records), None, "another feed");
    }

    #[test]
    fn a_write_that_is_given_up_is_published_as_well_and_listeners_are_called_for_all() {
        let changes = Changes::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        changes.subscribe(move |change| ears.lock().unwrap().push(change.to_string()));
        let (session, _) = ids("s", "ada");
        drop(changes.publish_on_drop(Record::session(&session)));
        changes.reset();
        assert_eq!(*heard.lock().unwrap(), ["session s", "anything"]);
    }
}
