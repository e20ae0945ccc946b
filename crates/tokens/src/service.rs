//! The one object that the rest of the service asks for tokens.

mod issue;
mod pool;
mod published;
mod recognise;
mod sealing;
mod verified;
mod verify;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use vestibule_domain::{Clock, SecureRandom};

pub use issue::{PermissionHolder, PermissionToken, SignError};
pub use published::PublishedKeys;
pub use recognise::SESSION_HANDLE;

use pool::SigningPool;
use published::Published;
use verified::VerifiedTokens;

use crate::{JwkSet, KeyInfo, KeyRing};

/// How far apart the clocks of two replicas may be.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);

/// What the tokens of this deployment have in common.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The `iss` of every token: the external address.
    pub issuer: String,
    /// The longest life of a user token.
    pub user_token_ttl: Duration,
    /// The life of a permission token.
    pub permission_token_ttl: Duration,
}

/// Issues and verifies tokens, and seals texts, with the keys that are in the ring at the moment of the call.
pub struct TokenService {
    ring: ArcSwap<KeyRing>,
    settings: TokenSettings,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn SecureRandom>,
    verified: VerifiedTokens,
    published: Published,
    pool: SigningPool,
}

impl TokenService {
    /// A service over a ring.
    pub fn new(
        ring: KeyRing,
        settings: TokenSettings,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn SecureRandom>,
    ) -> Self {
        Self {
            ring: ArcSwap::from_pointee(ring),
            settings,
            clock,
            randomness,
            verified: VerifiedTokens::new(),
            published: Published::new(),
            pool: SigningPool::new(),
        }
    }

    /// Takes another ring into use. The tokens of a key that is not in it are refused from now on.
    pub fn replace_ring(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
        self.verified.clear();
    }

    /// The id of the key that signs now; of a ring that cannot sign, that of its newest key.
    pub fn signing_key_id(&self) -> String {
        self.published_keys().signing_key_id.clone()
    }

    /// Every key of the ring and what it does now.
    pub fn describe_keys(&self) -> Vec<KeyInfo> {
        self.ring.load().describe(self.clock.now(), self.grace())
    }

    /// Whether there is a key to sign with.
    pub fn is_usable(&self) -> bool {
        self.ring.load().signing(self.clock.now()).is_some()
    }

    /// The public keys that verify our tokens now, and those that will.
    pub fn jwks(&self) -> JwkSet {
        self.published_keys().jwks.clone()
    }

    /// The public half of the key that signs now, in PEM (`SubjectPublicKeyInfo`), with a line end at the end.
    pub fn public_key_pem(&self) -> String {
        self.published_keys().pem.clone()
    }

    /// How long a token can be good after the moment at which its key was replaced.
    fn grace(&self) -> Duration {
        let longest = self.settings.user_token_ttl.max(self.settings.permission_token_ttl);
        longest.saturating_add(LEEWAY)
    }
}

impl fmt::Debug for TokenService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenService")
            .field("settings", &self.settings)
            .field("ring", &self.ring.load())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
