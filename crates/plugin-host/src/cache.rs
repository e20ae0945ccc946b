//! Cache of a plugin's answers about permissions.
//!
//! An answer is cached only as long as the plugin says, and never for longer than the operator allows. A use prolongs
//! nothing; failures and "no opinion" are never cached, and a denial only for a few seconds. A cached answer serves only an identical
//! question of the same session, so a change of a user's name, address or attributes causes a new call.
//!
//! Forgetting a user is final: an answer that is under way at that moment is not used for later questions. A question carries the
//! epoch of its user, and forgetting begins the next epoch ([`EpochTable`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use vestibule_domain::{EpochTable, SessionId, UserId, heap_bytes, jitter};

use crate::failure::CallFailure;

const CAPACITY: usize = 4096;
/// Maximum memory for the answers of one instance, roughly.
const CAPACITY_BYTES: u64 = 32 * 1024 * 1024;
const ENTRY_BYTES: usize = 256;
/// Maximum time for which an answer is cached, unless the settings of its instance say otherwise.
pub const DEFAULT_MAX_TTL: Duration = Duration::from_secs(300);
const MAX_DENIAL_TTL: Duration = Duration::from_secs(5);
/// Number of counters for the epochs of users. Forgetting one user may cost another one a call.
const EPOCHS: usize = 256;

/// What a question comes to.
pub(crate) type Verdict = Result<Map<String, Value>, CallFailure>;

/// Whose answers are kept apart.
type Key = (UserId, Option<SessionId>);

/// A question about a user, and the epoch in which it was asked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CacheQuery {
    key: Key,
    digest: QuestionDigest,
}

/// All that makes a question the same as another: whom it is about, in which session, what is told of them, and the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QuestionDigest {
    digest: [u8; 32],
    epoch: u64,
}

impl CacheQuery {
    /// The user whom it is about.
    pub(crate) fn user(&self) -> &UserId {
        &self.key.0
    }

    pub(crate) fn digest(&self) -> QuestionDigest {
        self.digest
    }
}

/// What may be known already.
pub(crate) enum Known {
    /// The answer.
    Fresh(Verdict),
    /// An answer that may not be used any more, or to another question.
    Stale,
    /// Nothing.
    Nothing,
}

struct Entry {
    asked: CacheQuery,
    verdict: Verdict,
    until: Instant,
    bytes: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Entry>> for ByBytes {
    fn weight(&self, _key: &Key, entry: &Arc<Entry>) -> u64 {
        entry.bytes
    }
}

/// The answers of one instance. Held in memory only.
pub(crate) struct PermissionCache {
    entries: Cache<Key, Arc<Entry>, ByBytes>,
    epochs: EpochTable,
    max_ttl: Duration,
}

impl PermissionCache {
    pub(crate) fn new(max_ttl: Option<Duration>) -> Self {
        Self {
            entries: Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes),
            epochs: EpochTable::new(EPOCHS),
            max_ttl: max_ttl.unwrap_or(DEFAULT_MAX_TTL),
        }
    }

    /// The question of this moment. To be made before anything is looked up for the answer.
    pub(crate) fn question(
        &self,
        user: &UserId,
        session: Option<&SessionId>,
        context_json: &str,
    ) -> CacheQuery {
        let epoch = self.epochs.epoch(user);
        let mut text = digest::Context::new(&digest::SHA256);
        // No id has such a byte.
        for part in [session.map_or("", SessionId::as_str), "\0", user.as_str(), "\0", context_json] {
            text.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(text.finish().as_ref());
        CacheQuery { key: (user.clone(), session.cloned()), digest: QuestionDigest { digest, epoch } }
    }

    pub(crate) fn find(&self, asked: &CacheQuery, now: Instant) -> Known {
        match self.entries.get(&asked.key) {
            Some(entry) if entry.asked == *asked && now < entry.until => Known::Fresh(entry.verdict.clone()),
            Some(_) => Known::Stale,
            None => Known::Nothing,
        }
    }

    /// Caches an answer for as long as plugin and operator allow.
    pub(crate) fn keep(&self, asked: &CacheQuery, verdict: &Verdict, ttl_seconds: Option<u32>, now: Instant) {
        let Some(ttl) = ttl_seconds.filter(|seconds| *seconds > 0) else { return };
        let most = match verdict {
            Ok(_) => self.max_ttl,
            Err(CallFailure::Denied(_)) => self.max_ttl.min(MAX_DENIAL_TTL),
            Err(_) => return,
        };
        let ttl = jitter(Duration::from_secs(ttl.into()).min(most), 0.9, 1.0);
        // Only saves memory: an entry of a past epoch is never found.
        if ttl.is_zero() || self.epochs.epoch(&asked.key.0) != asked.digest.epoch {
            return;
        }
        let bytes = bytes_of(verdict);
        let entry = Entry { asked: asked.clone(), verdict: verdict.clone(), until: now + ttl, bytes };
        self.entries.insert(asked.key.clone(), Arc::new(entry));
    }

    /// Forgets the answers about a user, also those that are under way.
    pub(crate) fn forget(&self, user: &UserId) {
        self.epochs.advance(user);
        // The epoch already ends their use; this deletes personal data that is no longer needed.
        self.entries.retain(|(owner, _), _| owner != user);
    }

    /// Forgets the answers about every user, also those that are under way.
    pub(crate) fn forget_everybody(&self) {
        self.epochs.advance_all();
        self.entries.clear();
    }
}

fn bytes_of(verdict: &Verdict) -> u64 {
    let bytes = match verdict {
        Ok(object) => heap_bytes(object),
        Err(CallFailure::Denied(reason)) => reason.capacity(),
        Err(_) => 0,
    };
    u64::try_from(ENTRY_BYTES + bytes).unwrap_or(CAPACITY_BYTES)
}

#[cfg(test)]
mod tests;
