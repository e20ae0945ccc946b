//! The same words are not signed twice: a signature is what an authorization costs.

use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use vestibule_domain::{ServiceName, Timestamp, UserId};

use crate::Grant;

/// How many are kept. One takes about 3 KiB, with the answer that tells of it.
const CAPACITY: usize = 4096;

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

/// Grants whose token may be given again, bounded in number. Held in memory only.
pub(crate) struct TokenReuse {
    grants: Cache<Owner, Arc<Grant>>,
}

impl TokenReuse {
    pub(crate) fn new() -> Self {
        Self { grants: Cache::new(CAPACITY) }
    }

    /// The earlier grant of exactly these permissions, with a token that is signed by the key that signs now and has at
    /// least half of its life ahead.
    pub(crate) fn find(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
        signing_key_id: &str,
        now: Timestamp,
    ) -> Option<Arc<Grant>> {
        let grant = self.grants.get(&OwnerRef(user, service))?;
        let token = &grant.token;
        let life = token.expires_at.since(token.issued_at);
        let fresh = now >= token.issued_at && token.expires_at.since(now) >= life / 2;
        (fresh && token.key_id == signing_key_id && grant.permissions == *permissions).then_some(grant)
    }

    /// Keeps a grant for the next request.
    pub(crate) fn keep(&self, grant: &Arc<Grant>) {
        self.grants.insert(Owner(grant.user_id.clone(), grant.service.clone()), Arc::clone(grant));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_tokens::PermissionToken;

    use super::*;
    use crate::Written;

    fn permissions(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_is_given_again_only_for_the_same_words_and_while_it_is_young() {
        let reuse = TokenReuse::new();
        let (user, service) = (UserId::parse("u").unwrap(), ServiceName::parse("s").unwrap());
        let read = permissions(&json!({"read": true}));
        let token = PermissionToken {
            token: String::from("t").into(),
            key_id: "k".into(),
            issued_at: Timestamp::from_seconds(1_000),
            expires_at: Timestamp::from_seconds(1_900),
        };
        reuse.keep(&Arc::new(Grant {
            token,
            user_id: user.clone(),
            permissions: read.clone(),
            service: service.clone(),
            written: Written::default(),
        }));
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
