//! Answers about permissions that may be used again for a while.
//!
//! Nothing is kept unless the plugin says for how long, and never for longer than the operator allows. A use prolongs
//! nothing; failures and "no opinion" are never kept, a denial for a few seconds. An answer is given again only to a
//! question that is the same to the letter, so a user whose name, address or attributes change is asked about afresh; and
//! only in the same session.
//!
//! To forget a user is final: an answer that was on its way at that moment is not used for anybody who asks afterwards.
//! Each user belongs to an epoch, questions and answers carry the epoch that was when they were asked, and
//! forgetting begins the next one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use vestibule_domain::{SessionId, UserId};

use crate::failure::CallFailure;
use crate::flights::{Flights, Seat};
use crate::jitter::spread;

const CAPACITY: usize = 4096;
/// The most that the answers of one instance may take in memory, roughly.
const CAPACITY_BYTES: u64 = 32 * 1024 * 1024;
/// An answer in memory against its text: a small object takes several times its length.
const BYTES_PER_BYTE: u64 = 4;
const ENTRY_BYTES: u64 = 256;
/// The longest that an answer is used again for, unless the settings of its instance say otherwise.
pub const DEFAULT_MAX_TTL: Duration = Duration::from_secs(300);
const MAX_DENIAL_TTL: Duration = Duration::from_secs(5);
/// Users share epochs, so that their number is bounded; what is forgotten of others is only asked again.
const EPOCHS: usize = 256;

/// What a question comes to.
pub(crate) type Verdict = Result<Map<String, Value>, CallFailure>;

/// Whose answers are kept apart.
type Key = (UserId, Option<SessionId>);

/// A question about a user, and the epoch in which it was asked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    key: Key,
    context: [u8; 32],
    epoch: u64,
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
    asked: Asked,
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
    flights: Flights<Asked, Verdict>,
    epochs: [AtomicU64; EPOCHS],
    hasher: RandomState,
    max_ttl: Duration,
    in_use: AtomicBool,
}

impl PermissionCache {
    pub(crate) fn new(max_ttl: Option<Duration>) -> Self {
        Self {
            entries: Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes),
            flights: Flights::new(),
            epochs: [const { AtomicU64::new(0) }; EPOCHS],
            hasher: RandomState::new(),
            max_ttl: max_ttl.unwrap_or(DEFAULT_MAX_TTL),
            in_use: AtomicBool::new(false),
        }
    }

    /// The question of this moment. To be made before anything is looked up for the answer.
    pub(crate) fn question(&self, user: &UserId, session: Option<&SessionId>, context_json: &str) -> Asked {
        let mut context = [0; 32];
        context.copy_from_slice(digest::digest(&digest::SHA256, context_json.as_bytes()).as_ref());
        let key = (user.clone(), session.cloned());
        Asked { key, context, epoch: self.epoch_of(user).load(Ordering::SeqCst) }
    }

    pub(crate) fn find(&self, asked: &Asked, now: Instant) -> Known {
        match self.entries.get(&asked.key) {
            Some(entry) if entry.asked == *asked && now < entry.until => Known::Fresh(entry.verdict.clone()),
            Some(_) => Known::Stale,
            None => Known::Nothing,
        }
    }

    /// Keeps an answer of `bytes` of text for as long as plugin and operator allow.
    pub(crate) fn keep(
        &self,
        asked: &Asked,
        verdict: &Verdict,
        ttl_seconds: Option<u32>,
        bytes: usize,
        now: Instant,
    ) {
        let Some(ttl) = ttl_seconds.filter(|seconds| *seconds > 0) else { return };
        self.in_use.store(true, Ordering::Relaxed);
        let most = match verdict {
            Ok(_) => self.max_ttl,
            Err(CallFailure::Denied(_)) => self.max_ttl.min(MAX_DENIAL_TTL),
            Err(_) => return,
        };
        let ttl = spread(Duration::from_secs(ttl.into()).min(most), 0.9, 1.0);
        // Only saves the place: an entry of a past epoch is never found.
        if ttl.is_zero() || self.epoch_of(&asked.key.0).load(Ordering::SeqCst) != asked.epoch {
            return;
        }
        let bytes = ENTRY_BYTES + BYTES_PER_BYTE * u64::try_from(bytes).unwrap_or(CAPACITY_BYTES);
        let entry = Entry { asked: asked.clone(), verdict: verdict.clone(), until: now + ttl, bytes };
        self.entries.insert(asked.key.clone(), Arc::new(entry));
    }

    /// Whether the plugin has ever let an answer be used again. Until then each question is asked for itself.
    pub(crate) fn in_use(&self) -> bool {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Joins those who ask the same at this moment.
    pub(crate) fn join(&self, asked: &Asked) -> Seat<'_, Asked, Verdict> {
        self.flights.join(asked)
    }

    /// Forgets what is known about a user, and what is just being asked.
    pub(crate) fn forget(&self, user: &UserId) {
        self.epoch_of(user).fetch_add(1, Ordering::SeqCst);
        // The epoch is what counts; this is for what is kept of people no longer than needed.
        self.entries.retain(|(owner, _), _| owner != user);
    }

    /// Forgets what is known about anybody, and what is just being asked.
    pub(crate) fn forget_everybody(&self) {
        for epoch in &self.epochs {
            epoch.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.clear();
    }

    fn epoch_of(&self, user: &UserId) -> &AtomicU64 {
        let [bucket, ..] = self.hasher.hash_one(user.as_str()).to_le_bytes();
        self.epochs.get(usize::from(bucket)).unwrap_or(&self.epochs[0])
    }
}

#[cfg(test)]
mod tests;
