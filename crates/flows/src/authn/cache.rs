//! The sessions that are in use, kept in memory.
//!
//! A cached session counts only while the change feed of the storage confirms it, so a session that ends anywhere is dead here
//! within a second, also when the feed breaks; otherwise the database is asked. Whether a session has expired is decided at each use.

mod cached_session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tokio::time::timeout;
use vestibule_domain::{SecretDigest, SessionId, Timestamp, UserId};
use vestibule_storage::{LastKnown, Record, Storage, StorageError};

pub(crate) use cached_session::CachedSession;

use cached_session::ByBytes;

const CAPACITY: usize = 16_384;
/// The most that all of them may take in memory, roughly. One takes about 700 bytes.
const CAPACITY_BYTES: u64 = 12 * 1024 * 1024;
/// Maximum age of what is kept in memory, for changes that fire no trigger, as when a backup is loaded with triggers off.
pub(super) const MAX_AGE: Duration = Duration::from_secs(60);
/// How long to wait for another request that asks the database for the same session. After that this one asks, and still has time
/// for an answer.
const SHARED_WAIT: Duration = Duration::from_millis(200);
/// For how long a database that did not answer is not asked again, where a cached session may stand in for it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Which session is looked for, and when.
#[derive(Clone, Copy)]
pub(crate) struct SessionKey<'a> {
    pub(crate) by: SessionRef<'a>,
    pub(crate) now: Timestamp,
}

/// By what a session is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SessionRef<'a> {
    /// By its id. It must be this user's.
    Id(&'a SessionId, &'a UserId),
    /// By the cookie of a browser.
    Cookie(&'a SecretDigest),
}

/// The same, owned.
#[derive(Clone, PartialEq, Eq, Hash)]
enum OwnedRef {
    Id(SessionId, UserId),
    Cookie(SecretDigest),
}

impl SessionRef<'_> {
    fn to_owned(self) -> OwnedRef {
        match self {
            Self::Id(session, user) => OwnedRef::Id(session.clone(), user.clone()),
            Self::Cookie(cookie) => OwnedRef::Cookie(*cookie),
        }
    }
}

impl Equivalent<OwnedRef> for SessionRef<'_> {
    fn equivalent(&self, owned: &OwnedRef) -> bool {
        match (self, owned) {
            (Self::Id(session, user), OwnedRef::Id(known, of)) => *session == known && *user == of,
            (Self::Cookie(cookie), OwnedRef::Cookie(known)) => *cookie == known,
            _ => false,
        }
    }
}

/// The sessions in use, bounded in number and memory.
pub(crate) struct SessionCache {
    storage: Storage,
    kept: Cache<OwnedRef, Arc<CachedSession>, ByBytes>,
    began: Instant,
    /// Milliseconds from the beginning to when the database last did not answer; 0 for never.
    outage: AtomicU64,
}

impl SessionCache {
    pub(crate) fn new(storage: Storage) -> Self {
        let kept = Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes);
        Self { storage, kept, began: Instant::now(), outage: AtomicU64::new(0) }
    }

    /// The session if it is alive: as it is cached, if that is fresh, else as the database knows it.
    pub(crate) async fn find(&self, key: SessionKey<'_>) -> Result<Option<Arc<CachedSession>>, StorageError> {
        match self.find_fresh(key) {
            Some(fresh) => Ok(Some(fresh)),
            // In a box: it is large, and most requests do not need it.
            None => Box::pin(self.load(key)).await,
        }
    }

    async fn load(&self, key: SessionKey<'_>) -> Result<Option<Arc<CachedSession>>, StorageError> {
        if !self.storage.changes().is_confirmed(Instant::now()) {
            return self.ask_and_keep(key).await;
        }
        let stale = self.kept.remove_if(&key.by, |kept| !self.is_fresh(kept, key.now));
        match timeout(SHARED_WAIT, self.kept.get_value_or_guard_async(&key.by.to_owned())).await {
            Ok(Ok(kept)) if self.is_fresh(&kept, key.now) => Ok(Some(kept)),
            Ok(Err(seat)) => {
                let answer = self.ask(key).await;
                let to_keep = match &answer {
                    Ok(found) => found.clone(),
                    Err(_) => stale.map(|(_, kept)| kept),
                };
                // If this fails, no caller waits any more.
                if let Some(kept) = to_keep {
                    drop(seat.insert(kept));
                }
                answer
            }
            Ok(Ok(_)) | Err(_) => self.ask_and_keep(key).await,
        }
    }

    /// The cached session, if it is fresh.
    pub(crate) fn find_fresh(&self, key: SessionKey<'_>) -> Option<Arc<CachedSession>> {
        self.kept.get(&key.by).filter(|kept| self.is_fresh(kept, key.now))
    }

    /// The session if it was known to be alive within the last `grace`, although the database does not answer.
    pub(crate) fn find_in_outage(&self, key: SessionKey<'_>, grace: Duration) -> Option<Arc<CachedSession>> {
        let kept = self.kept.get(&key.by)?;
        if !kept.is_running(key.now, &self.storage.session_limits()) {
            return None;
        }
        let last_known = match self.storage.changes().last_known(kept.version, &kept.live.records())? {
            LastKnown::AsItWasRead | LastKnown::ConfirmedAt(None) => kept.read_at,
            LastKnown::ConfirmedAt(Some(at)) => at.max(kept.read_at),
        };
        (last_known.elapsed() <= grace).then_some(kept)
    }

    /// Whether the database did not answer a moment ago and nothing has been heard of it since.
    pub(crate) fn is_in_outage(&self) -> bool {
        let outage = self.outage.load(Ordering::Relaxed);
        let is_recent = outage > 0 && self.millis().saturating_sub(outage) <= millis_of(RETRY_AFTER);
        is_recent && !self.storage.changes().is_confirmed(Instant::now())
    }

    /// Whether what was read is still true, as far as memory can tell.
    pub(crate) fn is_fresh(&self, kept: &CachedSession, now: Timestamp) -> bool {
        let moment = Instant::now();
        kept.is_running(now, &self.storage.session_limits())
            && moment.saturating_duration_since(kept.read_at) <= MAX_AGE
            && self.storage.changes().is_current(kept.version, &kept.live.records(), moment)
    }

    async fn ask_and_keep(&self, key: SessionKey<'_>) -> Result<Option<Arc<CachedSession>>, StorageError> {
        let found = self.ask(key).await?;
        if let Some(kept) = &found {
            self.kept.insert(key.by.to_owned(), Arc::clone(kept));
        }
        Ok(found)
    }

    async fn ask(&self, key: SessionKey<'_>) -> Result<Option<Arc<CachedSession>>, StorageError> {
        let answer = match key.by {
            SessionRef::Id(session, user) => self.ask_by_id(session, user, key.now).await,
            SessionRef::Cookie(cookie) => self.ask_by_cookie(cookie, key.now).await,
        };
        if answer.as_ref().is_err_and(StorageError::is_unavailable) {
            self.outage.store(self.millis().max(1), Ordering::Relaxed);
        }
        answer
    }

    async fn ask_by_id(
        &self,
        session: &SessionId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<Arc<CachedSession>>, StorageError> {
        let records = [Record::session(session), Record::user(user)];
        let (version, read_at) = (self.storage.changes().version(&records), Instant::now());
        let found = self.storage.find_live_session(session, user, now).await?;
        Ok(found.map(|live| CachedSession::new(live, version, read_at)))
    }

    /// Which session it is, only the database knows: if anything has changed while it was asked, it is asked once more for that one.
    async fn ask_by_cookie(
        &self,
        cookie: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Arc<CachedSession>>, StorageError> {
        let changes = self.storage.changes();
        let (point, read_at) = (changes.point(), Instant::now());
        let Some(live) = self.storage.find_live_session_by_cookie(cookie, now).await? else {
            return Ok(None);
        };
        if let Some(version) = changes.version_since(point, &live.records()) {
            return Ok(Some(CachedSession::new(live, version, read_at)));
        }
        let (version, read_at) = (changes.version(&live.records()), Instant::now());
        let again = self.storage.find_live_session_by_cookie(cookie, now).await?;
        // A cookie never comes to another session.
        Ok(again.map(|live| CachedSession::new(live, version, read_at)))
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
