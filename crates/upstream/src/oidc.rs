//! Sign-in at an OpenID Connect issuer (OpenID Connect Core 1.0, Discovery 1.0), Google among them.

mod claims;
mod client_authentication;
mod diagnosis;
mod discovery;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod id_token;
mod keys;
mod settings;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use url::Url;
use vestibule_domain::{Clock, IdentityKey, ProviderName, UpstreamClaims, UpstreamProfile};

use crate::cache::{Cache, Held};
use crate::diagnosis::Diagnosis;
use crate::error::{ProviderError, Reason, SettingsError, Step, StepError};
use crate::exchanges::{ExchangePermit, Exchanges, ProviderBusy};
use crate::oauth::{Registration, TokenAnswer};
use crate::outbound::{self, OutboundClient};
use crate::provider::{AuthorizationRequest, CodeExchange, Provider};
use claims::{Claims, UserClaims};
use discovery::{Metadata, MetadataSource};
use id_token::{Expected, IdTokenError};
use keys::{KeySet, KeySource};

pub use client_authentication::{TokenEndpointAuthMethod, UnknownAuthMethod};
pub use id_token::CLOCK_LEEWAY;
pub use settings::OidcSettings;
pub(crate) use settings::check_parameters;

/// An OpenID Connect issuer.
pub struct OidcProvider {
    name: ProviderName,
    label: String,
    issuer: String,
    registration: Registration,
    /// Other audiences that an ID token for us may have.
    additional_audiences: Vec<String>,
    /// The claims that are kept.
    kept: Vec<String>,
    client: OutboundClient,
    exchanges: Exchanges,
    clock: Arc<dyn Clock>,
    metadata: Arc<Cache<MetadataSource>>,
    keys: Arc<Cache<KeySource>>,
}

impl OidcProvider {
    /// Takes settings that make sense. Sends no request to the issuer before the first sign-in.
    pub fn new(
        settings: OidcSettings,
        client: OutboundClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let issuer = settings.check()?;
        let client = client.trusting_plaintext_of(settings.back_channel()?.as_ref());
        let source = MetadataSource::new(&settings, &issuer, client.clone())?;
        let metadata = Cache::new(source, Arc::clone(&clock));
        let source = KeySource::new(settings.name.clone(), client.clone(), Arc::clone(&metadata));
        let keys = Cache::new(source, Arc::clone(&clock));
        let exchanges = Exchanges::new(&settings.name, client.exchange_limit());
        let registration = Registration {
            client_id: settings.client_id,
            client_secret: settings.client_secret,
            scopes: settings.scopes,
            parameters: settings.authorization_parameters,
        };
        let OidcSettings { name, label, issuer, additional_audiences, claims: kept, .. } = settings;
        Ok(Self {
            name,
            label,
            issuer,
            registration,
            additional_audiences,
            kept,
            client,
            exchanges,
            clock,
            metadata,
            keys,
        })
    }

    async fn start(&self, request: &AuthorizationRequest<'_>) -> Result<Url, StepError> {
        let metadata = self.metadata.current().await?.value;
        let extra =
            [("nonce", Some(request.nonce)), ("prompt", request.prompt), ("login_hint", request.login_hint)];
        self.registration.authorization_url(&metadata.authorization_endpoint, request, &extra)
    }

    async fn finish(&self, exchange: &CodeExchange<'_>) -> Result<UpstreamProfile, StepError> {
        let metadata = self.metadata.current().await?.value;
        self.check_responder(exchange.issuer, &metadata)?;
        let tokens = self
            .registration
            .exchange(&self.client, &metadata.token_endpoint, metadata.auth_method, exchange)
            .await?;
        let claims = self.examine(&tokens, exchange.nonce, &metadata).await?;
        let person = self.user_claims(claims, &tokens, &metadata).await?;
        Ok(self.profile(person))
    }

    /// RFC 9207 section 2.4: a provider that promises `iss` must send it, and it must be the issuer that was asked.
    fn check_responder(&self, issuer: Option<&str>, metadata: &Metadata) -> Result<(), StepError> {
        let problem = match issuer {
            Some(issuer) if self.answers_as(issuer) => return Ok(()),
            None if !metadata.promises_iss => return Ok(()),
            Some(_) => "iss names another issuer than the one that was asked",
            None => "iss is missing although the issuer promises it",
        };
        Err(StepError::refused(Step::AuthorizationResponse, Reason::Text(problem)))
    }

    async fn examine(
        &self,
        tokens: &TokenAnswer,
        nonce: &str,
        metadata: &Metadata,
    ) -> Result<Claims, StepError> {
        let refused = |reason| StepError::refused(Step::IdToken, Reason::Text(reason));
        let token = tokens.id_token().ok_or(refused("the issuer gave no id token"))?;
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.registration.client_id,
            additional_audiences: &self.additional_audiences,
            nonce,
            access_token: tokens.access_token(),
            algorithms: &metadata.algorithms,
            now: self.clock.now(),
        };
        let held = self.keys.current().await?;
        match id_token::validate(token, &held.value, &expected) {
            Err(IdTokenError::UnknownKey) => {
                let renewed: Option<Held<KeySet>> = self.keys.newer_than(&held).await?;
                let keys = renewed.ok_or(refused(IdTokenError::UNKNOWN_KEY))?;
                id_token::validate(token, &keys.value, &expected)
            }
            outcome => outcome,
        }
        .map_err(|error| refused(error.reason()))
    }

    /// The claims about the person: those of the ID token, completed by the userinfo endpoint where it says nothing of
    /// the address, the name or a claim that is to be kept.
    async fn user_claims(
        &self,
        claims: Claims,
        tokens: &TokenAnswer,
        metadata: &Metadata,
    ) -> Result<UserClaims, StepError> {
        let stated = claims.user_claims(&self.kept);
        let Some(endpoint) = metadata.userinfo_endpoint.as_ref().filter(|_| !stated.is_complete(&self.kept))
        else {
            return Ok(stated);
        };
        let step = Step::UserInfo;
        let answer = self
            .client
            .get(endpoint, "application/json", Some(tokens.access_token()))
            .await
            .map_err(|reason| StepError::unavailable(step, reason))?;
        let more: Claims = outbound::json(&answer).map_err(|reason| StepError::unavailable(step, reason))?;
        // OpenID Connect Core section 5.3.2: without this an access token of another user could be slipped in.
        if more.subject() != Some(stated.subject.as_str()) {
            return Err(StepError::refused(step, Reason::Text("sub is not the one of the id token")));
        }
        Ok(stated.completed_by(more.user_claims(&self.kept)))
    }

    fn profile(&self, person: UserClaims) -> UpstreamProfile {
        let (verified_email, unverified_email) = person.emails();
        UpstreamProfile {
            provider: self.name.clone(),
            identity: IdentityKey { issuer: self.issuer.clone(), subject: person.subject },
            login: person.login,
            name: person.name,
            avatar_url: person.avatar_url,
            verified_email,
            unverified_email,
            claims: self.keep(person.kept),
            organizations: Vec::new(),
        }
    }

    /// The claims that fit. One that does not is treated as absent, which grants nothing.
    fn keep(&self, stated: Map<String, Value>) -> UpstreamClaims {
        let mut claims = UpstreamClaims::default();
        for (claim, value) in stated {
            if let Err(error) = claims.insert(&claim, value) {
                tracing::warn!(provider = %self.name, claim, %error, "a claim is not stored");
            }
        }
        claims
    }
}

#[async_trait]
impl Provider for OidcProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn answers_as(&self, issuer: &str) -> bool {
        issuer == self.issuer
    }

    async fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, ProviderError> {
        let work = self.client.within(Step::AuthorizationRequest, self.start(request));
        work.await.map_err(|failure| failure.at_provider(&self.name))
    }

    async fn permit(&self) -> Result<ExchangePermit, ProviderBusy> {
        self.exchanges.permit().await
    }

    async fn exchange(
        &self,
        exchange: &CodeExchange<'_>,
        _: &ExchangePermit,
    ) -> Result<UpstreamProfile, ProviderError> {
        let work = self.client.within(Step::Exchange, self.finish(exchange));
        work.await.map_err(|failure| failure.at_provider(&self.name))
    }

    async fn diagnose(&self, redirect_uri: &str) -> Diagnosis {
        self.look(redirect_uri).await
    }
}
