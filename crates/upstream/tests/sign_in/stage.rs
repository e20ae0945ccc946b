//! An emulator, our three providers over it, a clock that all of them share, and a browser.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use url::Url;
use vestibule_domain::{Clock, ProviderName, Timestamp, UpstreamProfile};
use vestibule_provider_emulator::{Client, Control, Emulator, EmulatorOptions};
use vestibule_upstream::{
    AuthorizationRequest, CodeExchange, GithubProvider, GithubSettings, OidcProvider, OidcSettings,
    OutboundClient, Provider, ProviderError,
};

const REDIRECT_URI: &str = "http://127.0.0.1:8000/auth/oauth_callback";

/// A clock that stands until it is moved.
pub(crate) struct StandingClock(AtomicI64);

impl StandingClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds())
    }
}

/// What one sign-in attempt keeps until the callback.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) state: String,
    pub(crate) code_verifier: String,
    pub(crate) nonce: String,
}

impl Attempt {
    /// Attempts of different numbers have nothing in common.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            state: format!("state-{number}"),
            code_verifier: format!("verifier-{number:040}"),
            nonce: format!("nonce-{number}"),
        }
    }

    pub(crate) fn request(&self) -> AuthorizationRequest<'_> {
        AuthorizationRequest {
            state: &self.state,
            code_verifier: &self.code_verifier,
            nonce: &self.nonce,
            redirect_uri: REDIRECT_URI,
            prompt: None,
            login_hint: None,
            max_age: None,
        }
    }

    pub(crate) fn exchange<'a>(&'a self, callback: &'a Callback) -> CodeExchange<'a> {
        CodeExchange {
            code: &callback.code,
            code_verifier: &self.code_verifier,
            nonce: &self.nonce,
            redirect_uri: REDIRECT_URI,
            issuer: callback.issuer.as_deref(),
        }
    }
}

/// What the browser brings back.
pub(crate) struct Callback {
    pub(crate) code: String,
    pub(crate) state: String,
    pub(crate) issuer: Option<String>,
}

pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    pub(crate) control: Control,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) google: OidcProvider,
    pub(crate) corporate: OidcProvider,
    pub(crate) github: GithubProvider,
    browser: reqwest::Client,
}

impl Stage {
    /// Providers with the limits of production.
    pub(crate) async fn new() -> Self {
        Self::with(OutboundClient::new().unwrap()).await
    }

    /// Providers that wait for longer than any test does.
    pub(crate) async fn patient() -> Self {
        Self::with(OutboundClient::with_timeout(Duration::from_secs(3_600)).unwrap()).await
    }

    /// Providers that give up early, for what never answers.
    pub(crate) async fn impatient() -> Self {
        Self::with(OutboundClient::with_timeout(Duration::from_millis(500)).unwrap()).await
    }

    async fn with(client: OutboundClient) -> Self {
        let clock = Arc::new(StandingClock(AtomicI64::new(1_800_000_000)));
        let told = Arc::clone(&clock);
        let options = EmulatorOptions {
            clock: vestibule_provider_emulator::Clock::from_fn(move || told.seconds()),
            ..EmulatorOptions::default()
        };
        let emulator = Emulator::start(options).await.unwrap();
        let our_clock = || Arc::clone(&clock) as Arc<dyn Clock>;
        let google = google_settings(&emulator.google_issuer(), emulator.google_client());
        let corporate = OidcSettings {
            name: ProviderName::parse("corporate").unwrap(),
            label: "Corporate".into(),
            ..google_settings(&emulator.corporate_issuer(), emulator.corporate_client())
        };
        Self {
            google: OidcProvider::new(google, client.clone(), our_clock()).unwrap(),
            corporate: OidcProvider::new(corporate, client.clone(), our_clock()).unwrap(),
            github: GithubProvider::new(github_settings(&emulator), client).unwrap(),
            control: emulator.control(),
            emulator,
            clock,
            browser: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        }
    }

    /// Sends the browser to the provider, where the person of this id consents.
    pub(crate) async fn consent(&self, mut address: Url, persona: &str) -> Callback {
        address.query_pairs_mut().append_pair("persona", persona);
        let answer = self.browser.get(address).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        let mut parameters: HashMap<String, String> =
            Url::parse(location).unwrap().query_pairs().into_owned().collect();
        Callback {
            code: parameters.remove("code").unwrap(),
            state: parameters.remove("state").unwrap(),
            issuer: parameters.remove("iss"),
        }
    }

    /// The whole way, from the address to the profile.
    pub(crate) async fn sign_in(
        &self,
        provider: &dyn Provider,
        persona: &str,
    ) -> Result<UpstreamProfile, ProviderError> {
        let attempt = Attempt::new(1);
        let address = provider.authorization_url(&attempt.request()).await?;
        let callback = self.consent(address, persona).await;
        assert_eq!(callback.state, attempt.state);
        redeem(provider, &attempt.exchange(&callback)).await
    }
}

/// An exchange with the permit that it takes.
pub(crate) async fn redeem(
    provider: &dyn Provider,
    exchange: &CodeExchange<'_>,
) -> Result<UpstreamProfile, ProviderError> {
    let permit = provider.permit().await.unwrap();
    provider.exchange(exchange, &permit).await
}

pub(crate) fn google_settings(issuer: &str, client: &Client) -> OidcSettings {
    OidcSettings::google(issuer, client.id.clone(), client.secret.as_str().into())
}

pub(crate) fn github_settings(emulator: &Emulator) -> GithubSettings {
    GithubSettings {
        client_id: emulator.github_client().id.clone(),
        client_secret: emulator.github_client().secret.as_str().into(),
        url: emulator.github_url(),
        api_url: emulator.github_api_url(),
        organizations: false,
        authorization_parameters: BTreeMap::new(),
    }
}

pub(crate) fn is_refused<T>(outcome: &Result<T, ProviderError>) -> bool {
    matches!(outcome, Err(ProviderError::Refused { .. }))
}

pub(crate) fn is_unavailable<T>(outcome: &Result<T, ProviderError>) -> bool {
    matches!(outcome, Err(ProviderError::Unavailable { .. }))
}
