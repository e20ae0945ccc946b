//! One token in memory.

use std::sync::Arc;
use std::time::Instant;

use quick_cache::Weighter;
use serde_json::json;
use vestibule_domain::{Scope, SecretDigest, SessionId, Timestamp, UserKind, heap_bytes};
use vestibule_plugin_host::ContextMemo;
use vestibule_storage::{LiveApiToken, Version};

use crate::Rights;
use crate::authn::last_use::LastUse;

const ENTRY_BYTES: usize = 1_024;
/// Of a token that was never used.
const NEVER: Timestamp = Timestamp::from_micros(0);

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
    pub(super) last_use: LastUse,
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
        let last_use = LastUse::new(token.last_used_at.unwrap_or(NEVER));
        let asker = SessionId::parse(token.id.as_str()).ok();
        Arc::new(Self {
            rights: Rights::Lent(token.limits.clone()),
            context_memo: ContextMemo::with_credential(credential),
            bytes: bytes_of(&live) as u64,
            asker,
            digest,
            version,
            read_at,
            last_use,
            live,
        })
    }
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
