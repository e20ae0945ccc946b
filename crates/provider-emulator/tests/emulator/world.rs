//! An emulator, and a client that is registered at its providers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;
use vestibule_provider_emulator::{Client, Clock, Control, Emulator, EmulatorOptions, Issuer, Provider};

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:8000/auth/oauth_callback";
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj";

// The pair of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) type Pairs = HashMap<String, String>;

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
    seconds: Arc<AtomicI64>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(EmulatorOptions::default()).await
    }

    pub(crate) async fn start_with(options: EmulatorOptions) -> Self {
        let seconds = Arc::new(AtomicI64::new(Clock::system().now()));
        let told = seconds.clone();
        let clock = Clock::from_fn(move || told.load(Ordering::Relaxed));
        let emulator = Emulator::start(EmulatorOptions { clock, ..options }).await.unwrap();
        Self { emulator, http: http_client(), seconds }
    }

    pub(crate) fn control(&self) -> Control {
        self.emulator.control()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn client(&self, provider: Provider) -> &Client {
        match provider {
            Provider::Google => self.emulator.google_client(),
            Provider::Corporate => self.emulator.corporate_client(),
            Provider::Github => self.emulator.github_client(),
        }
    }

    pub(crate) fn address(&self, provider: Provider, path: &str) -> String {
        let base = match provider {
            Provider::Google => self.emulator.google_issuer(),
            Provider::Corporate => self.emulator.corporate_issuer(),
            Provider::Github => self.emulator.github_url(),
        };
        format!("{base}{path}")
    }

    /// A good authorization request; `changes` replace or add parameters, an empty value removes one.
    pub(crate) fn authorize_url(&self, provider: Provider, changes: &[(&str, &str)]) -> Url {
        let github = provider == Provider::Github;
        let path = if github { "/login/oauth/authorize" } else { "/authorize" };
        let good = [
            ("client_id", self.client(provider).id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", if github { "read:user user:email" } else { "openid email profile" }),
            ("state", "a state & more"),
            ("nonce", NONCE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let parameters = changed(&good, changes);
        Url::parse_with_params(&self.address(provider, path), parameters).unwrap()
    }

    pub(crate) async fn get(&self, url: impl reqwest::IntoUrl) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    /// The parameters with which the browser comes back.
    pub(crate) async fn consent(&self, provider: Provider, changes: &[(&str, &str)]) -> Pairs {
        let response = self.get(self.authorize_url(provider, changes)).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        location.query_pairs().into_owned().collect()
    }

    pub(crate) async fn code(&self, provider: Provider, persona: &str) -> String {
        self.consent(provider, &[("persona", persona)]).await["code"].clone()
    }

    /// A good token request for `code`, to be changed before it is sent.
    pub(crate) fn token_request(
        &self,
        provider: Provider,
        code: &str,
        changes: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let path = if provider == Provider::Github { "/login/oauth/access_token" } else { "/token" };
        let client = self.client(provider);
        let good = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", client.id.as_str()),
            ("client_secret", client.secret.as_str()),
            ("code_verifier", VERIFIER),
        ];
        let request = self.http.post(self.address(provider, path)).form(&changed(&good, changes));
        request.header("accept", "application/json")
    }

    /// Status and JSON of a token request.
    pub(crate) async fn exchange(
        &self,
        provider: Provider,
        code: &str,
        changes: &[(&str, &str)],
    ) -> (u16, Value) {
        let response = self.token_request(provider, code, changes).send().await.unwrap();
        (response.status().as_u16(), json(response).await)
    }

    /// The tokens of a person who signs in.
    pub(crate) async fn sign_in(&self, provider: Provider, persona: &str) -> Value {
        let code = self.code(provider, persona).await;
        let (status, tokens) = self.exchange(provider, &code, &[]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The claims of a good ID token, checked as a client would.
    pub(crate) async fn verify(
        &self,
        issuer: Issuer,
        id_token: &Value,
    ) -> Result<Value, jsonwebtoken::errors::Error> {
        let provider = Provider::from(issuer);
        let keys = json(self.get(self.address(provider, "/jwks")).await).await;
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let token = id_token.as_str().unwrap();
        let kid = jsonwebtoken::decode_header(token)?.kid.unwrap_or_default();
        let Some(key) = keys.find(&kid) else { return Err(ErrorKind::InvalidSignature.into()) };
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&self.client(provider).id]);
        validation.set_issuer(&[self.address(provider, "")]);
        Ok(jsonwebtoken::decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
    }

    pub(crate) async fn userinfo(&self, provider: Provider, tokens: &Value) -> Value {
        let url = self.address(provider, "/userinfo");
        let request = self.http.get(url).bearer_auth(tokens["access_token"].as_str().unwrap());
        json(request.send().await.unwrap()).await
    }

    pub(crate) async fn api(&self, path: &str, tokens: &Value) -> Response {
        let url = format!("{}{path}", self.emulator.github_api_url());
        let request = self.http.get(url).bearer_auth(tokens["access_token"].as_str().unwrap());
        request.send().await.unwrap()
    }
}

fn http_client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).user_agent("emulator-tests").build().unwrap()
}

fn changed<'a>(good: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = good.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

pub(crate) async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// Header and claims of a token, unchecked.
pub(crate) fn peek(token: &Value) -> (Value, Value) {
    let part = |at| {
        let encoded = token.as_str().unwrap().split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    };
    (part(0), part(1))
}
