//! User tokens whose signature is known to be good. A frontend sends the same one with every request.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{UserTokenClaims, sha256};

/// How many tokens are remembered, in at most 5 MiB. Beyond it those that are rarely seen are forgotten first; they are
/// verified again.
const CAPACITY: usize = 8192;

/// What a signature has proven. Whether its time is over and its key in use is asked anew each time.
pub(super) struct Proven {
    /// The key that signed it.
    pub(super) kid: String,
    pub(super) claims: Arc<UserTokenClaims>,
}

/// The claims of tokens with a good signature, by the digest of the whole token: the token itself is not kept. What was
/// refused is never in here, so that garbage displaces nothing.
pub(super) struct VerifiedTokens(Cache<[u8; 32], Arc<Proven>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(super) fn find(&self, digest: &[u8; 32]) -> Option<Arc<Proven>> {
        self.0.get(digest)
    }

    pub(super) fn keep(&self, digest: [u8; 32], proven: Arc<Proven>) {
        self.0.insert(digest, proven);
    }

    /// For what is kept of people no longer than needed: a token of a key that is gone is refused anyway.
    pub(super) fn forget(&self) {
        self.0.clear();
    }
}

/// What stands for a token: no other has the same, so whoever has a kept one's digest has the token.
pub(super) fn digest_of(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}
