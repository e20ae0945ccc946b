//! Sign-in at GitHub: OAuth 2.0 and two or three requests to its API, for it has no ID token.

mod diagnosis;
mod emails;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod pages;
mod settings;
mod user;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use vestibule_domain::{
    EmailAddress, EmailKnowledge, IdentityKey, Organization, OrganizationId, OrganizationLogin, ProviderName,
    UpstreamClaims, UpstreamProfile,
};

use crate::diagnosis::Diagnosis;
use crate::endpoint::Endpoint;
use crate::error::{ProviderError, Reason, SettingsError, Step, StepError};
use crate::exchanges::{ExchangePermit, Exchanges, ProviderBusy};
use crate::oauth::{Registration, TokenAnswer};
use crate::oidc::TokenEndpointAuthMethod;
use crate::outbound::{self, OutboundClient};
use crate::provider::{AuthorizationRequest, CodeExchange, Provider};
use crate::wishes::Wishes;
use emails::{Entry, KnownEmails};
use pages::List;
use user::User;

pub use settings::GithubSettings;

const CLIENT_AUTHENTICATION: TokenEndpointAuthMethod = TokenEndpointAuthMethod::ClientSecretPost;
const ACCEPT: &str = "application/vnd.github+json";

/// What an operator can do about missing addresses.
const EMAILS_REMEDY: &str = "an OAuth App gets the scope user:email, which a person may have taken away; a GitHub App needs the \
                             account permission \"Email addresses\" (read-only)";
/// What an operator can do about missing organizations.
const ORGANIZATIONS_REMEDY: &str = "an OAuth App gets the scope read:org, which a person may have taken away; a GitHub App needs the \
                                    organization permission \"Members\" (read-only)";

/// GitHub, or a GitHub Enterprise Server.
pub struct GithubProvider {
    name: ProviderName,
    issuer: String,
    registration: Registration,
    client: OutboundClient,
    exchanges: Exchanges,
    wishes: Wishes,
    authorize: Endpoint,
    token: Endpoint,
    api: Endpoint,
    user: Endpoint,
    emails: Endpoint,
    /// Where the organizations are, if they are wanted.
    organizations: Option<Endpoint>,
}

impl GithubProvider {
    /// Takes settings that make sense. Sends no request to GitHub before the first sign-in.
    pub fn new(settings: GithubSettings, client: OutboundClient) -> Result<Self, SettingsError> {
        let name = GithubSettings::name();
        let (web, api) = settings.check(&name)?;
        let below = |base: &Endpoint, field, path| {
            base.join(path).map_err(|problem| SettingsError::Address {
                provider: name.clone(),
                field,
                problem,
            })
        };
        let orgs = || below(&api, "api_url", "user/orgs?per_page=100");
        let organizations = settings.organizations.then(orgs).transpose()?;
        let scopes = settings.scopes();
        Ok(Self {
            issuer: settings.issuer(),
            authorize: below(&web, "url", "login/oauth/authorize")?,
            token: below(&web, "url", "login/oauth/access_token")?,
            user: below(&api, "api_url", "user")?,
            emails: below(&api, "api_url", "user/emails?per_page=100")?,
            organizations,
            api,
            registration: Registration {
                client_id: settings.client_id,
                scopes,
                client_secret: Some(settings.client_secret),
                parameters: settings.authorization_parameters,
            },
            exchanges: Exchanges::new(&name, client.exchange_limit()),
            wishes: Wishes::new(&name, &client),
            client,
            name,
        })
    }

    async fn finish(&self, exchange: &CodeExchange<'_>) -> Result<UpstreamProfile, StepError> {
        let deadline = self.wishes.deadline();
        let (tokens, user) = self.client.within(Step::Exchange, self.validate(exchange)).await?;
        let access_token = tokens.access_token();
        let emails = self.emails(access_token, deadline).await;
        let organizations = self.organizations(access_token, deadline).await;
        let email_knowledge =
            if emails.is_some() { EmailKnowledge::Complete } else { EmailKnowledge::Unknown };
        let profile = self.profile(user, emails.unwrap_or_default());
        Ok(UpstreamProfile { organizations, email_knowledge, ..profile })
    }

    async fn validate(&self, exchange: &CodeExchange<'_>) -> Result<(TokenAnswer, User), StepError> {
        self.check_responder(exchange.issuer)?;
        let tokens =
            self.registration.exchange(&self.client, &self.token, CLIENT_AUTHENTICATION, exchange).await?;
        let user = self.user(tokens.access_token()).await?;
        Ok((tokens, user))
    }

    /// GitHub does not promise `iss` (RFC 9207). Should it send one, it must be its own.
    fn check_responder(&self, issuer: Option<&str>) -> Result<(), StepError> {
        if issuer.is_none_or(|issuer| self.answers_as(issuer)) {
            return Ok(());
        }
        let problem = "iss names another issuer than the one that was asked";
        Err(StepError::refused(Step::AuthorizationResponse, Reason::Text(problem)))
    }

    async fn user(&self, access_token: &str) -> Result<User, StepError> {
        let unavailable = |reason| StepError::unavailable(Step::UserInfo, reason);
        let answer = self.client.get(&self.user, ACCEPT, Some(access_token)).await.map_err(unavailable)?;
        let answer = outbound::json(&answer).map_err(unavailable)?;
        User::read(&answer).ok_or(StepError::malformed(Step::UserInfo, "the user has no numeric id"))
    }

    /// The addresses, or nothing if they could not be asked for. Without the right to read them there are none.
    async fn emails(&self, access_token: &str, deadline: Instant) -> Option<KnownEmails> {
        let list = self.list(Step::Emails, &self.emails, access_token);
        let entries = self.wishes.ask(Step::Emails, deadline, list).await.ok()?;
        if entries.is_none() {
            self.wishes.note_refusal(Step::Emails, EMAILS_REMEDY);
        }
        let entries = entries.unwrap_or_default();
        Some(KnownEmails::new(entries.iter().filter_map(Entry::read).collect()))
    }

    /// The organizations that the person belongs to, publicly or not; none when they are not wanted, or when GitHub does not tell.
    async fn organizations(&self, access_token: &str, deadline: Instant) -> Vec<Organization> {
        let Some(endpoint) = &self.organizations else { return Vec::new() };
        let list = self.list(Step::Organizations, endpoint, access_token);
        let entries = self.wishes.ask(Step::Organizations, deadline, list).await;
        if let Ok(None) = entries {
            self.wishes.note_refusal(Step::Organizations, ORGANIZATIONS_REMEDY);
        }
        let entries = entries.ok().flatten().unwrap_or_default();
        entries.iter().filter_map(read_organization).collect()
    }

    async fn list(
        &self,
        step: Step,
        first: &Endpoint,
        access_token: &str,
    ) -> Result<Option<Vec<Value>>, StepError> {
        List { client: &self.client, api: &self.api, access_token, step }.read(first).await
    }

    fn profile(&self, user: User, emails: KnownEmails) -> UpstreamProfile {
        let known = |email: &EmailAddress| {
            emails.verified.as_ref().is_some_and(|verified| verified.key() == email.key())
        };
        UpstreamProfile {
            provider: self.name.clone(),
            identity: IdentityKey { issuer: self.issuer.clone(), subject: user.id.to_string() },
            login: user.login,
            name: user.name,
            avatar_url: user.avatar_url,
            // The address in the public profile is free text.
            unverified_email: emails.unverified.or(user.public_email.filter(|email| !known(email))),
            verified_email: emails.verified,
            email_knowledge: EmailKnowledge::Complete,
            auth_time: None,
            claims: UpstreamClaims::default(),
            organizations: Vec::new(),
        }
    }
}

/// An organization of the list; what has no number or no login that can be one is passed over.
fn read_organization(entry: &Value) -> Option<Organization> {
    let id = OrganizationId::new(entry.get("id")?.as_u64()?)?;
    let login = OrganizationLogin::parse(entry.get("login")?.as_str()?).ok()?;
    Some(Organization { id, login })
}

#[async_trait]
impl Provider for GithubProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn label(&self) -> &'static str {
        "GitHub"
    }

    /// The address of the site, or the issuer that its authorization server metadata names.
    fn answers_as(&self, issuer: &str) -> bool {
        issuer.strip_prefix(&self.issuer).is_some_and(|rest| matches!(rest, "" | "/login/oauth"))
    }

    async fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, ProviderError> {
        // GitHub knows one prompt, and calls the hint by another name.
        let prompt = request.prompt.filter(|prompt| *prompt == "select_account");
        let wishes = [("prompt", prompt), ("login", request.login_hint)];
        self.registration
            .authorization_url(&self.authorize, request, &wishes)
            .map_err(|failure| failure.at_provider(&self.name))
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
