//! User tokens whose signature is known to be good. A frontend sends the same one with every request.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{UserTokenClaims, sha256};

/// Maximum number of cached tokens, at most 5 MiB. Beyond it the least used are evicted and verified again.
const CAPACITY: usize = 8192;

/// A token whose signature is good. Its time and its key are checked again at each use.
pub(super) struct VerifiedToken {
    /// The id of the key that signed it.
    pub(super) kid: String,
    pub(super) claims: Arc<UserTokenClaims>,
}

/// The claims of tokens with a good signature, by the digest of the whole token; the token itself is not kept. A refused
/// token is never cached, so invalid tokens evict nothing.
pub(super) struct VerifiedTokens(Cache<[u8; 32], Arc<VerifiedToken>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(super) fn find(&self, digest: &[u8; 32]) -> Option<Arc<VerifiedToken>> {
        self.0.get(digest)
    }

    pub(super) fn insert(&self, digest: [u8; 32], token: Arc<VerifiedToken>) {
        self.0.insert(digest, token);
    }

    /// Empties the cache. A token of a withdrawn key is refused without it; this keeps personal data no longer than needed.
    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

/// The cache key of a token. SHA-256 resists collisions, so an equal digest means the same token.
pub(super) fn digest_of(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}
