//! What all requests and the control handle share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::connection::Doomed;
use crate::counters::Counters;
use crate::exchange::AuthMethod;
use crate::faults::Faults;
use crate::grants::Grants;
use crate::keys::{FirstKeys, KeyRing, SigningKey};
use crate::lock::lock;
use crate::options::{Client, EmulatorOptions, RedirectUris};
use crate::personas::Personas;
use crate::provider::{Issuer, Provider};
use crate::tampering::Tampering;

/// The whole state of an emulator.
pub(crate) struct Shared {
    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub(crate) base: String,
    pub(crate) clock: Clock,
    pub(crate) redirect_uris: Mutex<RedirectUris>,
    pub(crate) slow_delay: Mutex<Duration>,
    pub(crate) personas: Personas,
    pub(crate) codes: Grants,
    pub(crate) access_tokens: Grants,
    pub(crate) counters: Counters,
    pub(crate) faults: Faults,
    pub(crate) doomed: Doomed,
    google: IssuerState,
    corporate: IssuerState,
    github_client: Client,
}

/// What an issuer has beyond what every provider has.
pub(crate) struct IssuerState {
    client: Client,
    pub(crate) keys: Mutex<KeyRing>,
    pub(crate) tampering: Mutex<Vec<Tampering>>,
    /// Members that replace those of the userinfo answer.
    pub(crate) userinfo: Mutex<Option<Value>>,
    /// Members that replace those of the discovery document; `null` takes one away.
    pub(crate) discovery: Mutex<Map<String, Value>>,
    /// How the client must authenticate, if only one way is registered for it.
    pub(crate) auth_method: Mutex<Option<AuthMethod>>,
}

impl IssuerState {
    fn new(client: Client, key: Arc<SigningKey>) -> Self {
        Self {
            client,
            keys: Mutex::new(KeyRing::new(key)),
            tampering: Mutex::default(),
            userinfo: Mutex::default(),
            discovery: Mutex::default(),
            auth_method: Mutex::default(),
        }
    }
}

impl Shared {
    pub(crate) fn new(base: String, options: EmulatorOptions, keys: FirstKeys) -> Self {
        Self {
            base,
            clock: options.clock,
            redirect_uris: Mutex::new(options.redirect_uris),
            slow_delay: Mutex::new(options.slow_delay),
            personas: Personas::default(),
            codes: Grants::default(),
            access_tokens: Grants::default(),
            counters: Counters::default(),
            faults: Faults::default(),
            doomed: Doomed::default(),
            google: IssuerState::new(options.google_client, keys.google),
            corporate: IssuerState::new(options.corporate_client, keys.corporate),
            github_client: options.github_client,
        }
    }

    pub(crate) fn client(&self, provider: Provider) -> &Client {
        match provider {
            Provider::Google => &self.google.client,
            Provider::Corporate => &self.corporate.client,
            Provider::Github => &self.github_client,
        }
    }

    pub(crate) fn issuer(&self, issuer: Issuer) -> &IssuerState {
        match issuer {
            Issuer::Google => &self.google,
            Issuer::Corporate => &self.corporate,
        }
    }

    /// The issuer identifier, under which its paths lie.
    pub(crate) fn issuer_url(&self, issuer: Issuer) -> String {
        format!("{}/{}", self.base, issuer.segment())
    }

    pub(crate) fn github_url(&self) -> String {
        format!("{}/github", self.base)
    }

    pub(crate) fn github_api_url(&self) -> String {
        format!("{}/github/api", self.base)
    }

    pub(crate) fn slow_delay(&self) -> Duration {
        *lock(&self.slow_delay)
    }
}
