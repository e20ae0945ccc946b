//! The same words are not signed twice: a signature is what an authorization costs.

use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use vestibule_domain::{ServiceName, Timestamp, UserId};
use vestibule_tokens::PermissionToken;

/// How many tokens are kept. One takes about 2 KiB.
const CAPACITY: usize = 4096;

struct Kept {
    permissions: Map<String, Value>,
    token: Arc<PermissionToken>,
}

/// Whose token it is, for what.
#[derive(PartialEq, Eq, Hash)]
struct Owner(UserId, ServiceName);

/// The same without owning it: looking for a token makes nothing.
#[derive(Hash)]
struct OwnerRef<'a>(&'a UserId, &'a ServiceName);

impl Equivalent<Owner> for OwnerRef<'_> {
    fn equivalent(&self, owner: &Owner) -> bool {
        *self.0 == owner.0 && *self.1 == owner.1
    }
}

/// Permission tokens that may be given again, bounded in number. Held in memory only.
pub(crate) struct TokenReuse {
    tokens: Cache<Owner, Arc<Kept>>,
}

impl TokenReuse {
    pub(crate) fn new() -> Self {
        Self { tokens: Cache::new(CAPACITY) }
    }

    /// The earlier token for exactly these permissions, signed by the key that signs now, with at least half of its
    /// life ahead.
    pub(crate) fn find(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
        signing_key_id: &str,
        now: Timestamp,
    ) -> Option<Arc<PermissionToken>> {
        let kept = self.tokens.get(&OwnerRef(user, service))?;
        let token = &kept.token;
        let life = token.expires_at.since(token.issued_at);
        let fresh = now >= token.issued_at && token.expires_at.since(now) >= life / 2;
        (fresh && token.key_id == signing_key_id && kept.permissions == *permissions)
            .then(|| Arc::clone(token))
    }

    /// Keeps a token for the next request.
    pub(crate) fn keep(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
        token: &Arc<PermissionToken>,
    ) {
        let kept = Kept { permissions: permissions.clone(), token: Arc::clone(token) };
        self.tokens.insert(Owner(user.clone(), service.clone()), Arc::new(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn permissions(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_is_given_again_only_for_the_same_words_and_while_it_is_young() {
        let reuse = TokenReuse::new();
        let (user, service) = (UserId::parse("u").unwrap(), ServiceName::parse("s").unwrap());
        let read = permissions(&json!({"read": true}));
        let token = Arc::new(PermissionToken {
            token: String::from("t").into(),
            key_id: "k".into(),
            issued_at: Timestamp::from_seconds(1_000),
            expires_at: Timestamp::from_seconds(1_900),
        });
        reuse.keep(&user, &service, &read, &token);
        let find = |permissions, key, seconds| {
            reuse.find(&user, &service, permissions, key, Timestamp::from_seconds(seconds))
        };
        assert!(find(&read, "k", 1_000).is_some());
        assert!(find(&read, "k", 1_450).is_some());
        assert!(find(&read, "k", 1_451).is_none(), "more than half of its life is gone");
        assert!(find(&read, "k", 999).is_none(), "the clock went back");
        assert!(find(&read, "new", 1_000).is_none(), "another key signs now");
        assert!(find(&permissions(&json!({"read": false})), "k", 1_000).is_none());
        assert!(
            reuse
                .find(&UserId::parse("v").unwrap(), &service, &read, "k", Timestamp::from_seconds(1_000))
                .is_none()
        );
    }
}
