//! Answers that were written for a grant are not written again while the same grant is given.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use vestibule_flows::PermissionGrant;

/// As many grants as `flows` gives again.
const CAPACITY: usize = 4096;
/// The most that all answers may take in memory, roughly.
const CAPACITY_BYTES: u64 = 16 * 1024 * 1024;
const ENTRY_BYTES: usize = 256;

/// An answer and the grant that it tells of. As long as that is held here, no other grant can have its address.
type Entry = (Arc<PermissionGrant>, Bytes);

#[derive(Clone)]
struct ByBytes;

impl Weighter<usize, Entry> for ByBytes {
    /// The permissions and the token are there in the grant as well.
    fn weight(&self, _address: &usize, (_, answer): &Entry) -> u64 {
        u64::try_from(ENTRY_BYTES + 3 * answer.len()).unwrap_or(CAPACITY_BYTES)
    }
}

/// Answers by the address of their grant, bounded in number and memory. Not `Debug`: there are tokens in them.
pub(crate) struct ResponseCache(Option<Cache<usize, Entry, ByBytes>>);

impl ResponseCache {
    /// `reuse` is whether `flows` gives a grant again; else nothing is kept.
    pub(crate) fn new(reuse: bool) -> Self {
        Self(reuse.then(|| Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes)))
    }

    /// The answer for a grant; written if it was not yet.
    pub(crate) fn get_or_write(
        &self,
        grant: &Arc<PermissionGrant>,
        write: impl FnOnce(&PermissionGrant) -> Bytes,
    ) -> Bytes {
        let Some(cache) = &self.0 else { return write(grant) };
        let address = Arc::as_ptr(grant).addr();
        if let Some((_, answer)) = cache.get(&address).filter(|(known, _)| Arc::ptr_eq(known, grant)) {
            return answer;
        }
        let answer = write(grant);
        cache.insert(address, (Arc::clone(grant), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::Map;
    use vestibule_domain::{ServiceName, Timestamp, UserId};
    use vestibule_tokens::PermissionToken;

    use super::*;

    fn grant() -> Arc<PermissionGrant> {
        let token = PermissionToken {
            token: String::from("t").into(),
            key_id: "k".into(),
            issued_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(900),
        };
        let (user_id, service) = (UserId::parse("u").unwrap(), ServiceName::parse("s").unwrap());
        Arc::new(PermissionGrant { token, user_id, permissions: Map::new(), service })
    }

    /// How often the answers for these grants are written, in their order.
    fn writes(cache: &ResponseCache, grants: &[&Arc<PermissionGrant>]) -> u32 {
        let count = Cell::new(0);
        for grant in grants {
            let answer = cache.get_or_write(grant, |_| {
                count.set(count.get() + 1);
                Bytes::from_static(b"{}")
            });
            assert_eq!(answer, "{}");
        }
        count.get()
    }

    #[test]
    fn an_answer_is_written_once_for_a_grant_and_again_for_one_that_only_looks_like_it() {
        let (one, alike) = (grant(), grant());
        let cache = ResponseCache::new(true);
        assert_eq!(writes(&cache, &[&one, &one, &alike, &one, &alike]), 2);
        assert_eq!(writes(&ResponseCache::new(false), &[&one, &one]), 2, "without reuse nothing is kept");
    }

    #[test]
    fn a_grant_that_is_made_where_another_was_is_not_given_the_answer_of_that_one() {
        let cache = ResponseCache::new(true);
        for _ in 0..100 {
            assert_eq!(writes(&cache, &[&grant()]), 1);
        }
    }

    #[test]
    fn k6_the_memory_of_answers_is_bounded_however_large_they_are() {
        let cache = ResponseCache::new(true);
        for _ in 0..300 {
            cache.get_or_write(&grant(), |_| Bytes::from(vec![b'x'; 200_000]));
        }
        let kept = cache.0.unwrap();
        assert!(kept.weight() <= CAPACITY_BYTES && (1..100).contains(&kept.len()), "{} are kept", kept.len());
    }
}
