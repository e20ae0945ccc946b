//! What a test can do to the providers while they run.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::counters::TokenExchanges;
use crate::exchange::AuthMethod;
use crate::faults::{Fault, Lasting};
use crate::keys::SigningKey;
use crate::lock::lock;
use crate::options::RedirectPolicy;
use crate::personas::Persona;
use crate::provider::{Endpoint, Issuer, Provider};
use crate::shared::Shared;
use crate::site::TRAP;
use crate::tampering::Tampering;

/// A handle on a running emulator; copies act on the same one. Every change counts from the next request on.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// People and redirects.
impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The person of this id, to change and put back.
    pub fn find_persona(&self, id: &str) -> Option<Persona> {
        self.shared.personas.find(id)
    }

    /// Replaces the person of the same id, or adds a new one.
    pub fn put_persona(&self, persona: Persona) {
        self.shared.personas.put(persona);
    }

    /// Registers other redirect URIs at a provider in place of those from the options.
    pub fn set_redirect_uris(&self, provider: Provider, policy: RedirectPolicy) {
        *lock(&self.shared.redirect_uris).of_mut(provider) = policy;
    }

    /// How long the token endpoints take for a slow person.
    pub fn set_slow_delay(&self, delay: Duration) {
        *lock(&self.shared.slow_delay) = delay;
    }
}

/// Faults.
impl Control {
    /// Puts a fault in line at an endpoint.
    pub fn inject(&self, provider: Provider, endpoint: Endpoint, fault: Fault, lasting: Lasting) {
        self.shared.faults.inject(provider, endpoint, fault, lasting);
    }

    /// Removes every fault. A request that hangs already hangs on.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// An address that only counts: where a [`Fault::redirect`] leads to show whether anybody follows.
    pub fn trap_url(&self) -> String {
        format!("{}{TRAP}", self.shared.base)
    }

    /// How often the trap was asked for.
    pub fn trapped(&self) -> u64 {
        self.shared.counters.trapped()
    }
}

/// ID tokens, keys and claims.
impl Control {
    /// Gives every ID token of this issuer these flaws, in place of earlier ones.
    pub fn tamper(&self, issuer: Issuer, tampering: Vec<Tampering>) {
        *lock(&self.shared.issuer(issuer).tampering) = tampering;
    }

    /// Makes the ID tokens of this issuer good again.
    pub fn clear_tampering(&self, issuer: Issuer) {
        self.tamper(issuer, Vec::new());
    }

    /// Signs with a new key, and publishes it before the old ones.
    pub fn rotate_signing_key(&self, issuer: Issuer) -> io::Result<()> {
        self.rotate_signing_key_in_secret(issuer)?;
        self.publish_signing_key(issuer);
        Ok(())
    }

    /// Signs with a new key that is in no key set.
    pub fn rotate_signing_key_in_secret(&self, issuer: Issuer) -> io::Result<()> {
        let key = SigningKey::generate()?;
        lock(&self.shared.issuer(issuer).keys).replace_signing(key);
        Ok(())
    }

    /// Puts the signing key into the key set, if it is not there.
    pub fn publish_signing_key(&self, issuer: Issuer) {
        lock(&self.shared.issuer(issuer).keys).publish_signing();
    }

    /// Puts a key that signs nothing first in the key set.
    pub fn publish_extra_key(&self, issuer: Issuer) -> io::Result<()> {
        let key = SigningKey::generate()?;
        lock(&self.shared.issuer(issuer).keys).publish_extra(key);
        Ok(())
    }

    /// Puts the signing key into the key set once more, as issuers do whose replicas each add their own.
    pub fn publish_signing_key_again(&self, issuer: Issuer) {
        lock(&self.shared.issuer(issuer).keys).publish_signing_again();
    }

    /// Puts a key that signs nothing first in the key set, under the id of the one that signs.
    pub fn publish_key_of_same_id(&self, issuer: Issuer) -> io::Result<()> {
        let key = SigningKey::generate()?;
        lock(&self.shared.issuer(issuer).keys).publish_under_same_id(key);
        Ok(())
    }

    /// Empties the key set. [`Control::publish_signing_key`] undoes it.
    pub fn publish_no_keys(&self, issuer: Issuer) {
        lock(&self.shared.issuer(issuer).keys).publish_nothing();
    }

    /// The key set as it is published now.
    pub fn key_set(&self, issuer: Issuer) -> Value {
        lock(&self.shared.issuer(issuer).keys).key_set()
    }

    /// Lets the members of this object replace those of the userinfo answer, such as a `sub` of somebody else.
    pub fn override_userinfo(&self, issuer: Issuer, members: Value) {
        *lock(&self.shared.issuer(issuer).userinfo) = Some(members);
    }

    /// Lets the members of this object replace those of the discovery document, such as the final slash of an `issuer`; `null` takes a
    /// member away. An empty object undoes it.
    pub fn override_discovery(&self, issuer: Issuer, members: Map<String, Value>) {
        *lock(&self.shared.issuer(issuer).discovery) = members;
    }

    /// Takes the client of this issuer only when it authenticates so. `None`: by HTTP Basic or by the body.
    pub fn require_auth_method(&self, issuer: Issuer, method: Option<AuthMethod>) {
        *lock(&self.shared.issuer(issuer).auth_method) = method;
    }

    /// Lets userinfo tell the truth again.
    pub fn clear_userinfo(&self, issuer: Issuer) {
        *lock(&self.shared.issuer(issuer).userinfo) = None;
    }
}

/// Counters.
impl Control {
    /// Requests that reached an endpoint by a method that it has, faults included.
    pub fn requests(&self, provider: Provider, endpoint: Endpoint) -> u64 {
        self.shared.counters.requests(provider, endpoint)
    }

    /// Codes given.
    pub fn codes_issued(&self, provider: Provider) -> u64 {
        self.shared.counters.codes(provider)
    }

    /// Exchanges of a code for a token.
    pub fn token_exchanges(&self, provider: Provider) -> TokenExchanges {
        self.shared.counters.exchanges(provider)
    }

    /// Sets every counter to zero.
    pub fn reset_counters(&self) {
        self.shared.counters.reset();
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Control").field("base", &self.shared.base).finish_non_exhaustive()
    }
}
