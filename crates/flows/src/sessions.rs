//! The sessions that are in use, kept in memory.
//!
//! What is kept counts only while the storage vouches for it, so a session that ends anywhere is dead here within a second,
//! whatever breaks; otherwise the database is asked. Whether a session has expired is decided at each use.

mod kept;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use tokio::time::timeout;
use vestibule_domain::{SessionId, Timestamp, UserId};
use vestibule_storage::{LastKnown, Storage, StorageError};

pub(crate) use kept::Kept;

use kept::ByBytes;

const CAPACITY: usize = 16_384;
/// The most that all of them may take in memory, roughly. One takes about 700 bytes.
const CAPACITY_BYTES: u64 = 12 * 1024 * 1024;
/// The longest that one is used for changes that no trigger sees, as when a backup is loaded with triggers off.
const LONGEST: Duration = Duration::from_secs(60);
/// How long to wait for somebody who asks the same already. Who has waited in vain asks, and still has time for an answer.
const SHARED_WAIT: Duration = Duration::from_millis(200);
/// For how long a database that did not answer is not asked again, where what is kept may stand in for it.
const RESPITE: Duration = Duration::from_secs(1);

/// Whose session is wanted, and when.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) user: &'a UserId,
    pub(crate) now: Timestamp,
}

/// The sessions in use, bounded in number and memory.
pub(crate) struct Sessions {
    storage: Storage,
    kept: Cache<SessionId, Arc<Kept>, ByBytes>,
    began: Instant,
    /// Milliseconds from the beginning to when the database last did not answer; 0 for never.
    outage: AtomicU64,
}

impl Sessions {
    pub(crate) fn new(storage: Storage) -> Self {
        let kept = Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes);
        Self { storage, kept, began: Instant::now(), outage: AtomicU64::new(0) }
    }

    /// The session if it is alive: as it is kept, if that counts, else as the database knows it.
    pub(crate) async fn find(&self, wanted: Wanted<'_>) -> Result<Option<Arc<Kept>>, StorageError> {
        let Wanted { session, .. } = wanted;
        if let Some(kept) = self.recall(wanted) {
            return Ok(Some(kept));
        }
        if !self.storage.changes().is_confirmed(Instant::now()) {
            return self.ask_and_keep(wanted).await;
        }
        let stale = self.kept.remove_if(session, |kept| !self.counts(kept, wanted));
        match timeout(SHARED_WAIT, self.kept.get_value_or_guard_async(session)).await {
            Ok(Ok(kept)) if self.counts(&kept, wanted) => Ok(Some(kept)),
            Ok(Err(seat)) => {
                let answer = self.ask(wanted).await;
                let to_keep = match &answer {
                    Ok(found) => found.clone(),
                    Err(_) => stale.map(|(_, kept)| kept),
                };
                // Nobody waits any more if this fails.
                if let Some(kept) = to_keep {
                    drop(seat.insert(kept));
                }
                answer
            }
            Ok(Ok(_)) | Err(_) => self.ask_and_keep(wanted).await,
        }
    }

    /// The session as it is kept, if that counts.
    pub(crate) fn recall(&self, wanted: Wanted<'_>) -> Option<Arc<Kept>> {
        self.kept.get(wanted.session).filter(|kept| self.counts(kept, wanted))
    }

    /// The session if it was known to be alive within the last `grace`, although the database does not answer.
    pub(crate) fn find_in_outage(&self, wanted: Wanted<'_>, grace: Duration) -> Option<Arc<Kept>> {
        let kept = self.kept.get(wanted.session)?;
        if !kept.is_running(wanted.user, wanted.now) {
            return None;
        }
        let last_known = match self.storage.changes().last_known(kept.stamp, wanted.session, wanted.user)? {
            LastKnown::AsItWasRead | LastKnown::ConfirmedAt(None) => kept.read_at,
            LastKnown::ConfirmedAt(Some(at)) => at.max(kept.read_at),
        };
        (last_known.elapsed() <= grace).then_some(kept)
    }

    /// Whether the database did not answer a moment ago and nothing has been heard of it since.
    pub(crate) fn is_in_outage(&self) -> bool {
        let outage = self.outage.load(Ordering::Relaxed);
        let is_recent = outage > 0 && self.millis().saturating_sub(outage) <= millis_of(RESPITE);
        is_recent && !self.storage.changes().is_confirmed(Instant::now())
    }

    /// Whether what was read is still so, as far as memory can tell.
    pub(crate) fn counts(&self, kept: &Kept, wanted: Wanted<'_>) -> bool {
        let Wanted { session, user, now } = wanted;
        let moment = Instant::now();
        kept.is_running(user, now)
            && moment.saturating_duration_since(kept.read_at) <= LONGEST
            && self.storage.changes().vouch_for(kept.stamp, session, user, moment)
    }

    async fn ask_and_keep(&self, wanted: Wanted<'_>) -> Result<Option<Arc<Kept>>, StorageError> {
        let found = self.ask(wanted).await?;
        if let Some(kept) = &found {
            self.kept.insert(wanted.session.clone(), Arc::clone(kept));
        }
        Ok(found)
    }

    async fn ask(
        &self,
        Wanted { session, user, now }: Wanted<'_>,
    ) -> Result<Option<Arc<Kept>>, StorageError> {
        let (stamp, read_at) = (self.storage.changes().stamp(session, user), Instant::now());
        match self.storage.find_live_session(session, user, now).await {
            Ok(found) => Ok(found.map(|live| Kept::new(live, stamp, read_at))),
            Err(error) => {
                if error.is_unavailable() {
                    self.outage.store(self.millis().max(1), Ordering::Relaxed);
                }
                Err(error)
            }
        }
    }

    fn millis(&self) -> u64 {
        millis_of(self.began.elapsed())
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
