//! The authorization code grant with PKCE (RFC 6749, RFC 7636), as all our providers speak it.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod token;
mod transport;

use std::borrow::Cow;
use std::collections::BTreeMap;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::{Reason, Step, StepError};
use crate::oidc::TokenEndpointAuthMethod;
use crate::outbound::OutboundClient;
use crate::provider::{AuthorizationRequest, CodeExchange};

pub(crate) use token::TokenAnswer;
use transport::Transport;

type GrantClient = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// What we are registered as at a provider.
pub(crate) struct Registration {
    pub(crate) client_id: String,
    /// `None`: a public client.
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) scopes: Vec<String>,
    /// What the operator adds to each authorization request.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Registration {
    /// The address that a browser is sent to, with `extra` parameters behind those of the grant. Of two of one name the operator's
    /// counts.
    pub(crate) fn authorization_url(
        &self,
        endpoint: &Endpoint,
        request: &AuthorizationRequest<'_>,
        extra: &[(&'static str, Option<&str>)],
    ) -> Result<Url, StepError> {
        let step = Step::AuthorizationRequest;
        let verifier = code_verifier(request.code_verifier, step)?;
        let redirect = redirect_uri(request.redirect_uri, step)?;
        let client = self.client().set_auth_uri(AuthUrl::from_url(endpoint.url().clone()));
        let mut address = client
            .authorize_url(|| CsrfToken::new(request.state.to_owned()))
            .add_scopes(self.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .set_redirect_uri(Cow::Owned(redirect));
        let stated = extra.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        for (name, value) in stated.filter(|(name, _)| !self.parameters.contains_key(*name)) {
            address = address.add_extra_param(name, value);
        }
        for (name, value) in &self.parameters {
            address = address.add_extra_param(name, value);
        }
        Ok(address.url().0)
    }

    /// Redeems a code.
    pub(crate) async fn exchange(
        &self,
        client: &OutboundClient,
        endpoint: &Endpoint,
        method: TokenEndpointAuthMethod,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenAnswer, StepError> {
        let step = Step::CodeExchange;
        let mut grant = self.client();
        if let Some(secret) = &self.client_secret {
            grant = grant.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let grant =
            grant.set_auth_type(method.auth_type()).set_token_uri(TokenUrl::from_url(endpoint.url().clone()));
        grant
            .exchange_code(AuthorizationCode::new(exchange.code.to_owned()))
            .set_pkce_verifier(code_verifier(exchange.code_verifier, step)?)
            .set_redirect_uri(Cow::Owned(redirect_uri(exchange.redirect_uri, step)?))
            .request_async(&Transport(client))
            .await
            .map_err(|error| failure_of(error, method))
    }

    fn client(&self) -> GrantClient {
        Client::new(ClientId::new(self.client_id.clone()))
    }
}

/// RFC 7636 section 4.1: 43 to 128 unreserved characters.
fn code_verifier(text: &str, step: Step) -> Result<PkceCodeVerifier, StepError> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
        Ok(PkceCodeVerifier::new(text.to_owned()))
    } else {
        Err(StepError::malformed(step, "the code verifier is not one of RFC 7636"))
    }
}

fn redirect_uri(text: &str, step: Step) -> Result<RedirectUrl, StepError> {
    RedirectUrl::new(text.to_owned())
        .map_err(|_| StepError::malformed(step, "the redirect uri is not an address"))
}

fn failure_of(
    error: RequestTokenError<Reason, BasicErrorResponse>,
    method: TokenEndpointAuthMethod,
) -> StepError {
    match error {
        RequestTokenError::ServerResponse(answer) => failure_of_code(answer.error().as_ref(), method),
        // Such an answer would come again.
        RequestTokenError::Request(reason @ Reason::Text(token::TOKEN_AND_ERROR)) => {
            StepError::refused(Step::CodeExchange, reason)
        }
        RequestTokenError::Request(reason) => StepError::unavailable(Step::CodeExchange, reason),
        // Both hold the body, which may hold tokens: they end here.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            StepError::malformed(Step::CodeExchange, "the answer is neither a token nor an error")
        }
    }
}

/// Sorts the error codes of RFC 6749 section 5.2 and those that Google and GitHub add: is it this code, our
/// registration, or the provider's health? A code that is not known is not shown either.
fn failure_of_code(code: &str, method: TokenEndpointAuthMethod) -> StepError {
    let known = |codes: &[&'static str]| codes.iter().copied().find(|known| *known == code);
    let step = Step::CodeExchange;
    if let Some(code) = known(&[
        "invalid_grant",
        "invalid_request",
        "bad_verification_code",
        "access_denied",
        "unverified_user_email",
    ]) {
        StepError::refused(step, Reason::Code(code))
    } else if let Some(code) = known(&[
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "redirect_uri_mismatch",
        "incorrect_client_credentials",
        // GitHub, of a client id that it does not know.
        "Not Found",
        "application_suspended",
    ]) {
        StepError::unavailable(step, Reason::Settings { code, method: method.as_str() })
    } else if let Some(code) = known(&["temporarily_unavailable", "server_error", "slow_down"]) {
        StepError::unavailable(step, Reason::Code(code))
    } else {
        StepError::refused(
            step,
            Reason::Text("the provider says no, with an error code that is not known here"),
        )
    }
}

#[cfg(test)]
mod tests;
