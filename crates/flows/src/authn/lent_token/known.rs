//! One token in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use serde_json::json;
use vestibule_domain::{Scope, SecretDigest, SessionId, Timestamp, UserKind, heap_bytes};
use vestibule_plugin_host::ContextMemo;
use vestibule_storage::{LiveApiToken, Version};

use crate::Rights;

/// Maximum age, for changes that fire no trigger, as when a backup is loaded with triggers off.
pub(super) const MAX_AGE: Duration = Duration::from_secs(60);
const ENTRY_BYTES: usize = 1_024;
/// Of a token that was never used.
const NEVER: i64 = 0;

/// A token that was alive when it was read, with its user. Shared by all requests that it acts for.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) live: LiveApiToken,
    pub(crate) rights: Rights,
    /// The user and the credential as plugins read them.
    pub(crate) context_memo: ContextMemo,
    /// In whose place plugins' answers are kept: no session is behind a token, and no answer is another token's.
    pub(crate) asker: Option<SessionId>,
    pub(super) digest: SecretDigest,
    pub(super) version: Version,
    pub(super) read_at: Instant,
    bytes: u64,
    /// In microseconds, as the database knows it or is about to.
    last_used_at: AtomicI64,
}

impl KnownToken {
    /// `version` and `read_at` are of before the question.
    pub(super) fn new(
        live: LiveApiToken,
        digest: SecretDigest,
        version: Version,
        read_at: Instant,
    ) -> Arc<Self> {
        let token = &live.token;
        let credential = json!({
            "kind": token.kind.as_str(),
            "services": token.limits.services.words(),
            "scopes": token.limits.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
            "metadata": token.metadata.as_object(),
            "roleaccount": live.user.kind == UserKind::Role,
        });
        let last_used_at = AtomicI64::new(token.last_used_at.map_or(NEVER, Timestamp::micros));
        let asker = SessionId::parse(token.id.as_str()).ok();
        Arc::new(Self {
            rights: Rights::Lent(token.limits.clone()),
            context_memo: ContextMemo::with_credential(credential),
            bytes: bytes_of(&live) as u64,
            asker,
            digest,
            version,
            read_at,
            last_used_at,
            live,
        })
    }

    /// Whether the last use is due to be written.
    pub(super) fn is_due(&self, now: Timestamp, resolution: Duration) -> bool {
        is_stale(self.last_used_at.load(Ordering::Relaxed), now, resolution)
    }

    /// Claims the duty to write the last use. True for one of all requests that ask while it is due.
    pub(super) fn claim_touch(&self, now: Timestamp, resolution: Duration) -> bool {
        let (last, order) = (self.last_used_at.load(Ordering::Relaxed), Ordering::Relaxed);
        is_stale(last, now, resolution)
            && self.last_used_at.compare_exchange(last, now.micros(), order, order).is_ok()
    }
}

fn is_stale(last_used_at: i64, now: Timestamp, resolution: Duration) -> bool {
    now.since(Timestamp::from_micros(last_used_at)) > resolution
}

/// Roughly what it takes in memory. The user, the limits and the metadata are there three times: once more for plugins, and as text.
fn bytes_of(live: &LiveApiToken) -> usize {
    let (token, user) = (&live.token, &live.user);
    let limits = token.limits.scopes.to_string().len() + token.limits.services.to_string().len();
    let objects = heap_bytes(user.attributes.as_object()) + heap_bytes(token.metadata.as_object());
    ENTRY_BYTES + 3 * (objects + 4 * limits)
}

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<SecretDigest, Arc<KnownToken>> for ByBytes {
    fn weight(&self, _key: &SecretDigest, known: &Arc<KnownToken>) -> u64 {
        known.bytes
    }
}
