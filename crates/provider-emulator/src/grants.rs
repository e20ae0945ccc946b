//! Codes and access tokens, and what each stands for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::personas::Persona;
use crate::provider::Provider;

/// What a person consented to. A code stands for it once, an access token for as long as it lives.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) provider: Provider,
    /// As the client wrote it; absent when it left it out and the registered one was taken.
    pub(crate) redirect_uri: Option<String>,
    /// The S256 challenge of RFC 7636.
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// The person as they were at that moment.
    pub(crate) persona: Arc<Persona>,
}

impl Grant {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// Secrets that stand for grants, each with the second at which it dies.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<HashMap<String, Held>>);

#[derive(Debug)]
struct Held {
    grant: Arc<Grant>,
    expires_at: i64,
}

impl Grants {
    pub(crate) fn keep(&self, secret: &str, grant: Arc<Grant>, expires_at: i64) {
        lock(&self.0).insert(secret.to_owned(), Held { grant, expires_at });
    }

    /// Looks a secret up. A dead one is as good as none.
    pub(crate) fn find(&self, secret: &str, now: i64) -> Option<Arc<Grant>> {
        let held = lock(&self.0);
        held.get(secret).filter(|held| now < held.expires_at).map(|held| held.grant.clone())
    }

    /// Takes a secret out: nobody gets it twice, not even at the same moment.
    pub(crate) fn take(&self, secret: &str, now: i64) -> Option<Arc<Grant>> {
        let held = lock(&self.0).remove(secret);
        held.filter(|held| now < held.expires_at).map(|held| held.grant)
    }
}
