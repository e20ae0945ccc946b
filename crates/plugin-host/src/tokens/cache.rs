//! What a handler has said about tokens, by the SHA-256 of token and app: the token itself is nowhere kept.
//!
//! An identity is used again for as long as the handler says, and a minute at most unless the operator says otherwise. That a handler
//! does not know a token, or refuses it, is used for some seconds without its word, so that whoever repeats garbage does not keep it
//! busy; those have a place of their own, so that garbage pushes no identity out. Failures are never kept. A use prolongs nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use vestibule_domain::{ServiceName, heap_bytes, jitter};

use super::TokenVerdict;
use crate::failure::CallFailure;
use crate::identity::TokenIdentity;

/// The longest that an identity is used again, unless the settings of the instance say otherwise.
pub const DEFAULT_MAX_TOKEN_TTL: Duration = Duration::from_secs(60);
const REFUSAL_TTL: Duration = Duration::from_secs(5);
const IDENTITIES: usize = 4096;
const IDENTITY_BYTES: u64 = 32 * 1024 * 1024;
const ENTRY_BYTES: usize = 512;
const REFUSALS: usize = 4096;

/// All that makes a token the same as another: its text, and the app that it was presented for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &str, app: Option<&ServiceName>) -> Self {
        let mut text = digest::Context::new(&digest::SHA256);
        // No name of an app has such a byte.
        for part in [app.map_or("", ServiceName::as_str), "\0", token] {
            text.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(text.finish().as_ref());
        Self(digest)
    }
}

struct Known {
    identity: Arc<TokenIdentity>,
    until: Instant,
}

/// No opinion, or a refusal.
struct Refusal {
    verdict: TokenVerdict,
    until: Instant,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<TokenDigest, Arc<Known>> for ByBytes {
    fn weight(&self, _key: &TokenDigest, known: &Arc<Known>) -> u64 {
        u64::try_from(ENTRY_BYTES + heap_bytes(&known.identity.metadata)).unwrap_or(IDENTITY_BYTES)
    }
}

/// What one handler has said. Held in memory only.
pub(crate) struct TokenCache {
    identities: Cache<TokenDigest, Arc<Known>, ByBytes>,
    refusals: Cache<TokenDigest, Arc<Refusal>>,
    max_ttl: Duration,
}

impl TokenCache {
    pub(crate) fn new(max_ttl: Option<Duration>) -> Self {
        Self {
            identities: Cache::with_weighter(IDENTITIES, IDENTITY_BYTES, ByBytes),
            refusals: Cache::new(REFUSALS),
            max_ttl: max_ttl.unwrap_or(DEFAULT_MAX_TOKEN_TTL),
        }
    }

    pub(crate) fn find(&self, digest: TokenDigest, now: Instant) -> Option<TokenVerdict> {
        if let Some(known) = self.identities.get(&digest).filter(|known| now < known.until) {
            return Some(Ok(Some(Arc::clone(&known.identity))));
        }
        let refusal = self.refusals.get(&digest).filter(|refusal| now < refusal.until)?;
        Some(refusal.verdict.clone())
    }

    /// Keeps what may be used again.
    pub(crate) fn keep(
        &self,
        digest: TokenDigest,
        verdict: &TokenVerdict,
        ttl_seconds: Option<u32>,
        now: Instant,
    ) {
        match verdict {
            Ok(Some(identity)) => {
                let ttl = Duration::from_secs(ttl_seconds.unwrap_or(0).into()).min(self.max_ttl);
                self.keep_identity(digest, identity, ttl, now);
            }
            Ok(None) | Err(CallFailure::Denied(_)) => {
                let ttl = jitter(REFUSAL_TTL.min(self.max_ttl), 0.9, 1.0);
                // The reason of a refusal is in the log already.
                let verdict = verdict.clone().map_err(|_| CallFailure::Denied(String::new()));
                self.refusals.insert(digest, Arc::new(Refusal { verdict, until: now + ttl }));
            }
            Err(_) => {}
        }
    }

    fn keep_identity(&self, digest: TokenDigest, identity: &Arc<TokenIdentity>, ttl: Duration, now: Instant) {
        if !ttl.is_zero() {
            let known = Known { identity: Arc::clone(identity), until: now + jitter(ttl, 0.9, 1.0) };
            self.identities.insert(digest, Arc::new(known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(name: &str) -> ServiceName {
        ServiceName::parse(name).unwrap()
    }

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&format!("token-{number}"), None)
    }

    fn builds() -> Arc<TokenIdentity> {
        let object = json!({"uid": "builds"}).as_object().unwrap().clone();
        Arc::new(TokenIdentity::read("keys", false, object).unwrap())
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_token_for_another_app_is_another() {
        let wiki = TokenDigest::of("abc", Some(&service("wiki")));
        assert!(wiki == TokenDigest::of("abc", Some(&service("wiki"))));
        for other in [
            TokenDigest::of("abc", None),
            TokenDigest::of("abc", Some(&service("wik"))),
            TokenDigest::of("iabc", Some(&service("wik"))),
            TokenDigest::of("abcd", Some(&service("wiki"))),
        ] {
            assert!(wiki != other);
        }
    }

    #[test]
    fn an_identity_is_kept_as_the_handler_says_and_the_operator_allows() {
        let now = Instant::now();
        for (max_ttl, said, kept, gone) in [
            (None, None, 0, 0),
            (None, Some(0), 0, 0),
            (None, Some(30), 26, 30),
            (None, Some(3600), 53, 60),
            (Some(Duration::from_secs(600)), Some(3600), 530, 600),
            (Some(Duration::ZERO), Some(3600), 0, 0),
        ] {
            let cache = TokenCache::new(max_ttl);
            cache.keep(digest(1), &Ok(Some(builds())), said, now);
            let found = |after: u32| cache.find(digest(1), now + SECOND * after);
            assert_eq!(found(kept), (kept > 0).then(|| Ok(Some(builds()))), "{max_ttl:?} {said:?}");
            assert_eq!(found(gone), None, "{max_ttl:?} {said:?}");
        }
    }

    #[test]
    fn a_refusal_is_kept_for_a_moment_whatever_the_handler_says_and_a_failure_never() {
        let now = Instant::now();
        for verdict in [Ok(None), Err(CallFailure::Denied("ended".to_owned()))] {
            let cache = TokenCache::new(None);
            cache.keep(digest(1), &verdict, Some(3600), now);
            let expected = verdict.map_err(|_| CallFailure::Denied(String::new()));
            assert_eq!(cache.find(digest(1), now + SECOND * 4), Some(expected));
            assert_eq!(cache.find(digest(1), now + SECOND * 5), None);
        }
        let cache = TokenCache::new(None);
        cache.keep(digest(1), &Err(CallFailure::UnknownService), Some(3600), now);
        assert_eq!(cache.find(digest(1), now), None);
        let off = TokenCache::new(Some(Duration::ZERO));
        off.keep(digest(1), &Ok(None), None, now);
        assert_eq!(off.find(digest(1), now), None);
    }

    #[test]
    fn h11_garbage_is_bounded_and_pushes_no_identity_out() {
        let (cache, now) = (TokenCache::new(None), Instant::now());
        cache.keep(digest(0), &Ok(Some(builds())), Some(60), now);
        for number in 1..=3 * REFUSALS {
            cache.keep(digest(number), &Ok(None), None, now);
        }
        assert!(cache.refusals.len() <= REFUSALS);
        assert_eq!(cache.find(digest(0), now), Some(Ok(Some(builds()))));
    }
}
