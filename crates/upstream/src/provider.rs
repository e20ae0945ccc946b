//! What a provider of identities can do.

use std::fmt;

use async_trait::async_trait;
use url::Url;
use vestibule_domain::{ProviderName, UpstreamProfile};

use crate::{Diagnosis, ExchangePermit, ProviderBusy, ProviderError};

/// What the address that a browser is sent to must carry.
#[derive(Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Comes back unchanged with the code (RFC 6749 section 4.1.1).
    pub state: &'a str,
    /// The PKCE verifier, 43 to 128 unreserved characters; only its S256 challenge leaves the service.
    pub code_verifier: &'a str,
    /// Comes back inside the ID token (OpenID Connect Core section 3.1.2.1); GitHub has no place for it.
    pub nonce: &'a str,
    /// Our own callback, as it is registered at the provider.
    pub redirect_uri: &'a str,
    /// What the provider is to ask of the person (OpenID Connect Core section 3.1.2.1), such as `select_account`.
    pub prompt: Option<&'a str>,
    /// Who probably signs in: an address or a name at the provider (OpenID Connect Core section 3.1.2.1).
    pub login_hint: Option<&'a str>,
    /// How many seconds ago the person may have shown last who they are (OpenID Connect Core section 3.1.2.1). Providers that do not
    /// speak it are not told.
    pub max_age: Option<&'a str>,
}

/// What the callback brought, together with what was kept of the request before it.
#[derive(Clone, Copy)]
pub struct CodeExchange<'a> {
    /// The authorization code.
    pub code: &'a str,
    /// The PKCE verifier of the request.
    pub code_verifier: &'a str,
    /// The nonce of the request.
    pub nonce: &'a str,
    /// The same callback as in the request.
    pub redirect_uri: &'a str,
    /// The parameter `iss` of the authorization response (RFC 9207), if there was one.
    pub issuer: Option<&'a str>,
}

impl fmt::Debug for AuthorizationRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AuthorizationRequest({}, ..)", self.redirect_uri)
    }
}

impl fmt::Debug for CodeExchange<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CodeExchange({}, ..)", self.redirect_uri)
    }
}

/// An identity provider.
///
/// Both steps end within the time limit of the [`OutboundClient`](crate::OutboundClient) that the provider was made
/// with, whatever the other side does, and a fault of one provider is felt by its own sign-ins alone.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The name under which it is configured, as it stands in addresses.
    fn name(&self) -> &ProviderName;

    /// What people call it.
    fn label(&self) -> &str;

    /// Whether an authorization response that names this issuer (RFC 9207) can be of this provider.
    fn answers_as(&self, issuer: &str) -> bool;

    /// The address at the provider that a browser is sent to.
    async fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, ProviderError>;

    /// The right to finish one sign-in: only so many may be under way at once. A refused caller may try again.
    async fn permit(&self) -> Result<ExchangePermit, ProviderBusy>;

    /// Redeems a code and tells who has signed in. Asks the provider exactly once for one code. The permit is this provider's;
    /// the caller holds it until the sign-in is stored.
    async fn exchange(
        &self,
        exchange: &CodeExchange<'_>,
        permit: &ExchangePermit,
    ) -> Result<UpstreamProfile, ProviderError>;

    /// Takes the steps of a sign-in that need no person, for an operator. This is the redirect URI that sign-ins would use.
    async fn diagnose(&self, redirect_uri: &str) -> Diagnosis;
}

/// The name of a provider that this crate knows by itself.
#[expect(clippy::expect_used, reason = "only texts of this crate come here, and the tests use them all")]
pub(crate) fn constant_name(text: &'static str) -> ProviderName {
    ProviderName::parse(text).expect("a provider's name")
}
