//! Sign-in at an OpenID Connect issuer (OpenID Connect Core 1.0, Discovery 1.0), Google among them.

mod algorithms;
mod claims;
mod client_authentication;
mod diagnosis;
mod discovery;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod id_token;
mod keys;
mod reach;
mod settings;
mod stated_time;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;
use vestibule_domain::{
    Clock, EmailKnowledge, IdentityKey, ProviderName, Timestamp, UpstreamClaims, UpstreamProfile,
};

use crate::cache::{Cache, Held};
use crate::diagnosis::Diagnosis;
use crate::endpoint::Endpoint;
use crate::error::{ProviderError, Reason, SettingsError, Step, StepError};
use crate::exchanges::{ExchangePermit, Exchanges, ProviderBusy};
use crate::oauth::{Registration, TokenAnswer};
use crate::outbound::{self, OutboundClient};
use crate::provider::{AuthorizationRequest, CodeExchange, Provider};
use crate::wishes::Wishes;
use claims::{Claims, UserClaims};
use discovery::{Metadata, MetadataSource};
use id_token::{Expected, IdTokenError};
use keys::{KeySet, KeySource};

pub use algorithms::{AlgorithmName, AlgorithmSet};
pub use client_authentication::{TokenEndpointAuthMethod, UnknownAuthMethod};
pub use id_token::CLOCK_LEEWAY;
pub use reach::IssuerReach;
pub use settings::OidcSettings;
pub(crate) use settings::check_parameters;

/// A sign-in that is good, whatever else the provider may still say about the person.
struct Validated {
    metadata: Arc<Metadata>,
    tokens: TokenAnswer,
    claims: Claims,
}

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
    wishes: Wishes,
    /// Whether userinfo has ever answered.
    userinfo_answers: AtomicBool,
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
        let wishes = Wishes::new(&settings.name, &client);
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
            wishes,
            userinfo_answers: AtomicBool::new(false),
            clock,
            metadata,
            keys,
        })
    }

    async fn start(&self, request: &AuthorizationRequest<'_>) -> Result<Url, StepError> {
        let metadata = self.metadata.current().await?.value;
        let extra = [
            ("nonce", Some(request.nonce)),
            ("prompt", request.prompt),
            ("login_hint", request.login_hint),
            ("max_age", request.max_age),
        ];
        self.registration.authorization_url(&metadata.authorization_endpoint, request, &extra)
    }

    async fn finish(&self, exchange: &CodeExchange<'_>) -> Result<UpstreamProfile, StepError> {
        let deadline = self.wishes.deadline();
        let validated = self.client.within(Step::Exchange, self.validate(exchange)).await?;
        let Validated { metadata, tokens, claims } = validated;
        let auth_time = auth_time(&claims);
        let (person, email_knowledge) = self.user_claims(claims, &tokens, &metadata, deadline).await?;
        Ok(UpstreamProfile { email_knowledge, auth_time, ..self.profile(person) })
    }

    async fn validate(&self, exchange: &CodeExchange<'_>) -> Result<Validated, StepError> {
        let metadata = self.metadata.current().await?.value;
        self.check_responder(exchange.issuer, &metadata)?;
        let tokens = self
            .registration
            .exchange(&self.client, &metadata.token_endpoint, metadata.auth_method, exchange)
            .await?;
        let claims = self.examine(&tokens, exchange.nonce, &metadata).await?;
        Ok(Validated { metadata, tokens, claims })
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
        let refused = |reason| StepError::refused(Step::IdToken, reason);
        let token = tokens.id_token().ok_or(refused(Reason::Text("the issuer gave no id token")))?;
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.registration.client_id,
            additional_audiences: &self.additional_audiences,
            nonce,
            access_token: tokens.access_token(),
            algorithms: metadata.algorithms,
            now: self.clock.now(),
        };
        let held = self.keys.current().await?;
        match id_token::validate(token, &held.value, &expected) {
            Err(IdTokenError::UnknownKey) => {
                let renewed: Option<Held<KeySet>> = self.keys.newer_than(&held).await?;
                let keys = renewed.ok_or(refused(IdTokenError::UnknownKey.reason()))?;
                id_token::validate(token, &keys.value, &expected)
            }
            outcome => outcome,
        }
        .map_err(|error| refused(error.reason()))
    }

    /// The claims about the person: those of the ID token, completed by the userinfo endpoint where it does not state a verified
    /// address, a name or a claim that is to be kept. With them, how much is known of the address although the endpoint could perhaps
    /// not be asked.
    async fn user_claims(
        &self,
        claims: Claims,
        tokens: &TokenAnswer,
        metadata: &Metadata,
        deadline: Instant,
    ) -> Result<(UserClaims, EmailKnowledge), StepError> {
        let stated = claims.user_claims(&self.kept);
        let endpoint = metadata.userinfo_endpoint.as_ref().filter(|_| !stated.is_complete(&self.kept));
        let more = match endpoint {
            None => None,
            Some(endpoint) => {
                let question = self.userinfo(endpoint, tokens.access_token());
                match self.wishes.ask(Step::UserInfo, deadline, question).await {
                    Ok(more) => {
                        self.userinfo_answers.store(true, Ordering::Relaxed);
                        Some(more)
                    }
                    Err(failure) => {
                        let knowledge = self.knowledge_without(&failure, &stated);
                        return Ok((stated, knowledge));
                    }
                }
            }
        };
        let person = match more {
            // OpenID Connect Core section 5.3.2: without this an access token of another user could be slipped in.
            Some(more) if more.subject() != Some(stated.subject.as_str()) => {
                return Err(StepError::refused(
                    Step::UserInfo,
                    Reason::Text("sub is not the one of the id token"),
                ));
            }
            Some(more) => stated.completed_by(more.user_claims(&self.kept)),
            None => stated,
        };
        self.wishes.note_claims(&self.kept, |claim| person.kept.contains_key(claim));
        Ok((person, EmailKnowledge::Complete))
    }

    /// How much the ID token says of the address where userinfo failed. Where there is an address, nobody new waits for an endpoint that
    /// has never answered: it may be one that a firewall keeps away.
    fn knowledge_without(&self, failure: &StepError, stated: &UserClaims) -> EmailKnowledge {
        if !failure.is_outage() || stated.has_verified_email() {
            EmailKnowledge::Complete
        } else if stated.has_email() && !self.userinfo_answers.load(Ordering::Relaxed) {
            EmailKnowledge::Partial
        } else {
            EmailKnowledge::Unknown
        }
    }

    async fn userinfo(&self, endpoint: &Endpoint, access_token: &str) -> Result<Claims, StepError> {
        let unavailable = |reason| StepError::unavailable(Step::UserInfo, reason);
        let answer =
            self.client.get(endpoint, "application/json", Some(access_token)).await.map_err(unavailable)?;
        outbound::json(&answer).map_err(unavailable)
    }

    fn profile(&self, person: UserClaims) -> UpstreamProfile {
        let (verified_email, unverified_email) = person.emails();
        let name = person.display_name();
        UpstreamProfile {
            provider: self.name.clone(),
            identity: IdentityKey { issuer: self.issuer.clone(), subject: person.subject },
            name,
            login: person.login,
            avatar_url: person.avatar_url,
            verified_email,
            unverified_email,
            email_knowledge: EmailKnowledge::Complete,
            auth_time: None,
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

/// When the person showed the issuer who they are, if it states a time (Core section 2).
fn auth_time(claims: &Claims) -> Option<Timestamp> {
    claims.time("auth_time")?.ok().map(|time| Timestamp::from_seconds(time.floor()))
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
        self.finish(exchange).await.map_err(|failure| failure.at_provider(&self.name))
    }

    async fn diagnose(&self, redirect_uri: &str) -> Diagnosis {
        self.look(redirect_uri).await
    }
}
