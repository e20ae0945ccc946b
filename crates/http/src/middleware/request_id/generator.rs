//! The ids of requests.

use std::sync::{Arc, Mutex, PoisonError};

use vestibule_domain::SecureRandom;

const ID_BYTES: usize = 8;
/// Asking the system costs about as much for one id as for sixty-four.
const IDS_AT_ONCE: usize = 64;

/// Makes ids from unpredictable bytes, which it fetches many at a time.
pub(crate) struct RequestIds {
    randomness: Arc<dyn SecureRandom>,
    stock: Mutex<Vec<[u8; ID_BYTES]>>,
}

impl RequestIds {
    pub(crate) fn new(randomness: Arc<dyn SecureRandom>) -> Self {
        Self { randomness, stock: Mutex::new(Vec::with_capacity(IDS_AT_ONCE)) }
    }

    /// An id that no other request has.
    pub(crate) fn next(&self) -> String {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        let id = stock.pop().unwrap_or_else(|| {
            stock.extend((1..IDS_AT_ONCE).map(|_| [0; ID_BYTES]));
            self.randomness.fill(stock.as_flattened_mut());
            self.randomness.bytes()
        });
        drop(stock);
        hex::encode(id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use vestibule_domain::SystemRandom;

    use super::*;

    #[test]
    fn no_two_requests_have_the_same_id() {
        let ids = RequestIds::new(Arc::new(SystemRandom));
        let made: HashSet<String> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| id.len() == 16 && id != "0000000000000000"));
    }
}
