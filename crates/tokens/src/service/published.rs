//! What is shown of the keys, made once for as long as it holds.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use vestibule_domain::Timestamp;

use crate::{JwkSet, KeyRing, TokenService};

/// The public keys as they are shown to others. The same object is given out until something about them changes.
#[derive(Debug)]
pub struct PublishedKeys {
    /// The id of the key that signs; of a ring that cannot sign, that of its newest key.
    pub signing_key_id: String,
    /// The public half of that key, in PEM (`SubjectPublicKeyInfo`), with a line end at the end.
    pub pem: String,
    /// The keys that verify tokens now, and those that will.
    pub jwks: JwkSet,
}

/// The last that was shown, what it was made from, and for how long it holds.
struct Shown {
    keys: Arc<PublishedKeys>,
    ring: Arc<KeyRing>,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Shown {
    fn holds(&self, ring: &Arc<KeyRing>, now: Timestamp) -> bool {
        Arc::ptr_eq(&self.ring, ring) && self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

pub(super) struct Published(ArcSwapOption<Shown>);

impl Published {
    pub(super) fn new() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl TokenService {
    /// The public keys of this moment.
    pub fn published_keys(&self) -> Arc<PublishedKeys> {
        let (now, ring) = (self.clock.now(), self.ring.load());
        let last = self.published.0.load();
        if let Some(shown) = last.as_ref().filter(|shown| shown.holds(&ring, now)) {
            return Arc::clone(&shown.keys);
        }
        let keys = Arc::new(self.show(&ring, now));
        let until = ring.next_change(now, self.grace());
        let shown = Shown { keys: Arc::clone(&keys), ring: Arc::clone(&ring), from: now, until };
        self.published.0.store(Some(Arc::new(shown)));
        keys
    }

    fn show(&self, ring: &KeyRing, now: Timestamp) -> PublishedKeys {
        let current = ring.current_public(now);
        PublishedKeys {
            signing_key_id: current.map(|key| key.kid().to_owned()).unwrap_or_default(),
            pem: current.map(|key| key.pem().to_owned()).unwrap_or_default(),
            jwks: JwkSet { keys: ring.published(now, self.grace()).map(|key| key.jwk().clone()).collect() },
        }
    }
}
