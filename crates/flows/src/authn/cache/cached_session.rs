//! One session in memory.

use std::sync::Arc;
use std::time::Instant;

use quick_cache::Weighter;
use vestibule_domain::{SessionLimits, Timestamp, heap_bytes};
use vestibule_plugin_host::ContextMemo;
use vestibule_storage::{LiveSession, Version};

use super::OwnedRef;
use crate::authn::last_use::LastUse;

const ENTRY_BYTES: usize = 512;

/// A session that was alive when it was read, with its user. Shared by all requests that it signs in.
#[derive(Debug)]
pub(crate) struct CachedSession {
    pub(crate) live: LiveSession,
    /// The user as plugins read it.
    pub(crate) context_memo: ContextMemo,
    pub(super) version: Version,
    pub(super) read_at: Instant,
    bytes: u64,
    pub(in crate::authn) last_use: LastUse,
}

impl CachedSession {
    /// `version` and `read_at` are of before the question.
    pub(super) fn new(live: LiveSession, version: Version, read_at: Instant) -> Arc<Self> {
        let bytes = bytes_of(&live) as u64;
        let last_use = LastUse::new(live.session.last_seen_at);
        Arc::new(Self { live, context_memo: ContextMemo::default(), version, read_at, bytes, last_use })
    }

    /// True if it has not ended by itself. No change is published when a session does.
    pub(super) fn is_running(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        self.live.session.is_running_when_seen(self.last_seen_at(), now, limits)
    }

    /// When it was last used, as the database knows it or is about to.
    pub(crate) fn last_seen_at(&self) -> Timestamp {
        self.last_use.at()
    }
}

/// Roughly what it takes in memory, the key of the map and the other copies of the ids included. Each text is there twice,
/// because [`ContextMemo`] holds the user once more.
fn bytes_of(live: &LiveSession) -> usize {
    let (user, session) = (&live.user, &live.session);
    let texts = [
        session.id.as_str().len(),
        user.id.as_str().len(),
        session.provider_id.len(),
        user.name.as_ref().map_or(0, |name| name.as_str().len()),
        user.email.as_ref().map_or(0, |address| address.as_str().len()),
        user.avatar_url.as_ref().map_or(0, |url| url.as_str().len()),
    ];
    ENTRY_BYTES + 2 * texts.iter().sum::<usize>() + 2 * heap_bytes(user.attributes.as_object())
}

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<OwnedRef, Arc<CachedSession>> for ByBytes {
    fn weight(&self, _key: &OwnedRef, session: &Arc<CachedSession>) -> u64 {
        session.bytes
    }
}
