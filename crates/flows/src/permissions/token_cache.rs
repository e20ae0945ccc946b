//! The same words are not signed twice: a signature is what an authorization costs.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use vestibule_domain::{LentLimits, ServiceName, Timestamp, UserId, heap_bytes};

use crate::{PermissionGrant, Principal, Rights};

/// How many are kept, if they are as small as most: one takes about 2 KiB.
const CAPACITY: usize = 4096;
/// The most that all of them may take in memory, roughly.
const CAPACITY_BYTES: u64 = 16 * 1024 * 1024;
const ENTRY_BYTES: usize = 512;

/// What a token was narrowed by: two credentials of one user never share one, unless they lend the same until the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Narrowing {
    /// `None`: by nothing.
    limits: Option<LentLimits>,
    ends_at: Option<Timestamp>,
}

impl Narrowing {
    pub(super) fn of(principal: &Principal) -> Self {
        let limits = match principal.rights() {
            Rights::Full => None,
            Rights::Lent(limits) => Some(limits.clone()),
        };
        Self { limits, ends_at: principal.ends_at() }
    }
}

/// Whose token it is, for what.
#[derive(PartialEq, Eq, Hash)]
struct Owner(UserId, ServiceName, Narrowing);

/// The same without owning it: looking for a token makes nothing.
#[derive(Hash)]
struct OwnerRef<'a>(&'a UserId, &'a ServiceName, &'a Narrowing);

impl Equivalent<Owner> for OwnerRef<'_> {
    fn equivalent(&self, owner: &Owner) -> bool {
        *self.0 == owner.0 && *self.1 == owner.1 && *self.2 == owner.2
    }
}

/// A grant, and what it takes in memory.
#[derive(Clone)]
struct Entry {
    grant: Arc<PermissionGrant>,
    bytes: u64,
}

impl Entry {
    /// The permissions are there once more in the token.
    fn new(grant: &Arc<PermissionGrant>) -> Self {
        let token = grant.token.token.expose_secret().len();
        let bytes = ENTRY_BYTES + 2 * token + heap_bytes(&grant.permissions);
        Self { grant: Arc::clone(grant), bytes: u64::try_from(bytes).unwrap_or(CAPACITY_BYTES) }
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Owner, Entry> for ByBytes {
    fn weight(&self, _owner: &Owner, entry: &Entry) -> u64 {
        entry.bytes
    }
}

/// Grants whose token may be given again, bounded in memory, and held there only.
pub(crate) struct TokenCache {
    grants: Cache<Owner, Entry, ByBytes>,
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { grants: Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes) }
    }

    /// The earlier grant of exactly these permissions, with a token that is signed by the key that signs now and has at
    /// least half of its life ahead.
    pub(crate) fn find(
        &self,
        (user, service, narrowing): (&UserId, &ServiceName, &Narrowing),
        permissions: &Map<String, Value>,
        signing_key_id: &str,
        now: Timestamp,
    ) -> Option<Arc<PermissionGrant>> {
        let grant = self.grants.get(&OwnerRef(user, service, narrowing))?.grant;
        let token = &grant.token;
        let life = token.expires_at.since(token.issued_at);
        let fresh = now >= token.issued_at && token.expires_at.since(now) >= life / 2;
        (fresh && token.key_id == signing_key_id && grant.permissions == *permissions).then_some(grant)
    }

    /// Keeps a grant for the next request.
    pub(crate) fn insert(&self, narrowing: Narrowing, grant: &Arc<PermissionGrant>) {
        let owner = Owner(grant.user_id.clone(), grant.service.clone(), narrowing);
        self.grants.insert(owner, Entry::new(grant));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_tokens::PermissionToken;

    use super::*;

    fn permissions(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn grant(user: &str, permissions: &Map<String, Value>, token: &str) -> Arc<PermissionGrant> {
        let token = PermissionToken {
            token: String::from(token).into(),
            key_id: "k".into(),
            issued_at: Timestamp::from_seconds(1_000),
            expires_at: Timestamp::from_seconds(1_900),
        };
        Arc::new(PermissionGrant {
            token,
            user_id: UserId::parse(user).unwrap(),
            permissions: permissions.clone(),
            service: ServiceName::parse("s").unwrap(),
        })
    }

    #[test]
    fn a_token_is_given_again_only_for_the_same_words_and_while_it_is_young() {
        let cache = TokenCache::new();
        let (user, service) = (UserId::parse("u").unwrap(), ServiceName::parse("s").unwrap());
        let read = permissions(&json!({"read": true}));
        let full = Narrowing { limits: None, ends_at: None };
        cache.insert(full.clone(), &grant("u", &read, "t"));
        let find = |permissions, key, seconds| {
            cache.find((&user, &service, &full), permissions, key, Timestamp::from_seconds(seconds))
        };
        assert!(find(&read, "k", 1_000).is_some());
        assert!(find(&read, "k", 1_450).is_some());
        assert!(find(&read, "k", 1_451).is_none(), "more than half of its life is gone");
        assert!(find(&read, "k", 999).is_none(), "the clock went back");
        assert!(find(&read, "new", 1_000).is_none(), "another key signs now");
        assert!(find(&permissions(&json!({"read": false})), "k", 1_000).is_none());
        assert!(
            cache
                .find(
                    (&UserId::parse("v").unwrap(), &service, &full),
                    &read,
                    "k",
                    Timestamp::from_seconds(1_000)
                )
                .is_none()
        );
        let lent = Narrowing { limits: Some(LentLimits::default()), ..full.clone() };
        let ending = Narrowing { ends_at: Some(Timestamp::from_seconds(1_100)), ..full.clone() };
        for narrowing in [lent, ending] {
            let found = cache.find((&user, &service, &narrowing), &read, "k", Timestamp::from_seconds(1_000));
            assert!(found.is_none(), "no credential gets the token of another: {narrowing:?}");
        }
    }

    #[test]
    fn k6_the_memory_of_what_is_kept_is_bounded_whatever_a_plugin_answers() {
        let answers = [
            permissions(&json!({"text": "x".repeat(50_000)})),
            permissions(&json!({"objects": vec![json!({"": 0}); 1_600]})),
        ];
        for answer in answers {
            let (cache, token) = (TokenCache::new(), "t".repeat(70_000));
            for number in 0..300 {
                cache.insert(
                    Narrowing { limits: None, ends_at: None },
                    &grant(&format!("user-{number}"), &answer, &token),
                );
            }
            assert!(cache.grants.weight() <= CAPACITY_BYTES);
            assert!((1..100).contains(&cache.grants.len()), "{} are kept", cache.grants.len());
        }
    }
}
