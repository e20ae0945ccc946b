//! One token in memory.

use std::sync::Arc;
use std::time::Instant;

use quick_cache::Weighter;
use serde_json::{Value, json};
use smallvec::SmallVec;
use vestibule_domain::{LentLimits, Scope, SecretDigest, SessionId, Timestamp, UserKind, heap_bytes};
use vestibule_plugin_host::ContextMemo;
use vestibule_storage::{Record, Version};

use super::{LentText, LiveToken, Source};
use crate::Rights;
use crate::authn::last_use::LastUse;

const ENTRY_BYTES: usize = 1_024;
/// Of a token that was never used.
const NEVER: Timestamp = Timestamp::from_micros(0);

/// A token that was alive when it was read, with its user. Shared by all requests that it acts for.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) live: LiveToken,
    pub(crate) rights: Rights,
    /// The user and the credential as plugins read them.
    pub(crate) context_memo: ContextMemo,
    /// In whose place plugins' answers are kept: no session is behind a token, and no answer is another token's.
    pub(crate) asker: Option<SessionId>,
    digest: SecretDigest,
    /// The digest as the change feed writes it.
    digest_text: String,
    pub(super) version: Version,
    pub(super) read_at: Instant,
    bytes: u64,
    /// `None` where uses are not noted: of an access token, when it is refreshed.
    pub(super) last_use: Option<LastUse>,
}

impl KnownToken {
    /// `version` and `read_at` are of before the question.
    pub(super) fn new(
        live: LiveToken,
        digest: SecretDigest,
        version: Version,
        read_at: Instant,
    ) -> Arc<Self> {
        let (limits, digest_text) = (live.limits(), digest.to_string());
        let asker = match &live {
            LiveToken::Api(live) => SessionId::parse(live.token.id.as_str()),
            // Access tokens of one grant may lend different parts of it.
            LiveToken::Access(_) => SessionId::parse(&digest_text),
        };
        let last_use = match &live {
            LiveToken::Api(live) => Some(LastUse::new(live.token.last_used_at.unwrap_or(NEVER))),
            LiveToken::Access(_) => None,
        };
        Arc::new(Self {
            context_memo: ContextMemo::with_credential(describe(&live, &limits)),
            bytes: bytes_of(&live, &limits) as u64,
            rights: Rights::Lent(limits),
            asker: asker.ok(),
            digest,
            digest_text,
            version,
            read_at,
            last_use,
            live,
        })
    }

    /// What it is found by.
    pub(super) fn text(&self) -> LentText {
        let source = match self.live {
            LiveToken::Api(_) => Source::Api,
            LiveToken::Access(_) => Source::Access,
        };
        LentText { digest: self.digest, source }
    }

    /// The records that it is a copy of.
    pub(super) fn records(&self) -> SmallVec<[Record<'_>; 4]> {
        self.live.records(&self.digest_text)
    }

    /// Whether its use is to be written.
    pub(super) fn is_use_due(&self, now: Timestamp) -> bool {
        self.last_use.as_ref().is_some_and(|last| last.is_due(now))
    }
}

/// The credential as plugins read it.
fn describe(live: &LiveToken, limits: &LentLimits) -> Value {
    let kind = match live {
        LiveToken::Api(live) => live.token.kind.as_str(),
        LiveToken::Access(_) => "access",
    };
    json!({
        "kind": kind,
        "services": limits.services.words(),
        "scopes": limits.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "metadata": live.metadata().cloned().unwrap_or_default(),
        "roleaccount": live.user().kind == UserKind::Role,
    })
}

/// Roughly what it takes in memory. The user, the limits and the metadata are there three times: once more for plugins, and as text.
fn bytes_of(live: &LiveToken, limits: &LentLimits) -> usize {
    let words = limits.scopes.to_string().len() + limits.services.to_string().len();
    let objects = heap_bytes(live.user().attributes.as_object()) + live.metadata().map_or(0, heap_bytes);
    ENTRY_BYTES + 3 * (objects + 4 * words)
}

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<SecretDigest, Arc<KnownToken>> for ByBytes {
    fn weight(&self, _key: &SecretDigest, known: &Arc<KnownToken>) -> u64 {
        known.bytes
    }
}
