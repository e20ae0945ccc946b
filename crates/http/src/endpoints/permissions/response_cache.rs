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
pub(crate) struct ResponseCache(Cache<usize, Entry, ByBytes>);

impl ResponseCache {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes))
    }

    /// The answer for a grant; written if it was not yet.
    pub(crate) fn get_or_write(
        &self,
        grant: &Arc<PermissionGrant>,
        write: impl FnOnce(&PermissionGrant) -> Bytes,
    ) -> Bytes {
        let address = Arc::as_ptr(grant).addr();
        if let Some((_, answer)) = self.0.get(&address).filter(|(known, _)| Arc::ptr_eq(known, grant)) {
            return answer;
        }
        let answer = write(grant);
        self.0.insert(address, (Arc::clone(grant), answer.clone()));
        answer
    }
}
