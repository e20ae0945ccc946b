//! What the token endpoints have in common: who asks, and what their code is worth.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use url::form_urlencoded;

use crate::grants::Grant;
use crate::options::Client;
use crate::parameters::Parameters;
use crate::personas::Behaviour;
use crate::provider::Provider;
use crate::shared::Shared;

/// How a client failed to prove who it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ClientError {
    /// In the header and in the body at once, which RFC 6749 section 2.3 forbids.
    Twice,
    /// No such client, or another secret.
    Unknown {
        /// Whether the client used the header, and so has to be challenged in one.
        by_header: bool,
    },
}

/// How a client authenticates at the token endpoint of an issuer (RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `none`: a public client, which must not show a secret.
    None,
}

/// Proves that a request comes from `client`: by HTTP Basic or by the body, or by the one method that is registered for it.
pub(crate) fn authenticate(
    client: &Client,
    registered: Option<AuthMethod>,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<(), ClientError> {
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let method = match (by_header, form.find("client_secret")) {
        (true, _) => AuthMethod::Basic,
        (false, Some(_)) => AuthMethod::Post,
        (false, None) => AuthMethod::None,
    };
    if registered.is_some_and(|registered| registered != method) {
        return Err(ClientError::Unknown { by_header });
    }
    let proven = if method == AuthMethod::None && registered.is_some() {
        form.find("client_id") == Some(&client.id)
    } else if by_header {
        if form.find("client_secret").is_some() {
            return Err(ClientError::Twice);
        }
        let named = form.find("client_id").is_none_or(|id| id == client.id);
        named && basic(headers).is_some_and(|(id, secret)| id == client.id && secret == client.secret)
    } else {
        form.find("client_id") == Some(&client.id) && form.find("client_secret") == Some(&client.secret)
    };
    if proven { Ok(()) } else { Err(ClientError::Unknown { by_header }) }
}

/// Id and secret are form-encoded before they are joined: RFC 6749 section 2.3.1.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()))?.ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

fn decode(encoded: &str) -> Option<String> {
    form_urlencoded::parse(encoded.as_bytes()).next().map(|(text, _)| text.into_owned())
}

/// Why a code is worth nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CodeError {
    /// Never given, spent, expired, or given by another provider.
    Unknown,
    /// Given for another redirect URI.
    RedirectUri,
    /// The verifier of RFC 7636 is missing.
    NoVerifier,
    /// The verifier does not fit the challenge.
    WrongVerifier,
}

/// Spends a code. It is spent as soon as a client that proved itself presents it, whatever else is wrong.
pub(crate) fn redeem(
    shared: &Shared,
    provider: Provider,
    form: &Parameters,
) -> Result<Arc<Grant>, CodeError> {
    let code = form.find("code").ok_or(CodeError::Unknown)?;
    let grant = shared
        .codes
        .take(code, shared.clock.now())
        .filter(|grant| grant.provider == provider)
        .ok_or(CodeError::Unknown)?;
    check_redirect_uri(&grant, form)?;
    check_verifier(&grant, form)?;
    Ok(grant)
}

/// RFC 6749 section 4.1.3 demands the same URI again; GitHub lets it be left out.
fn check_redirect_uri(grant: &Grant, form: &Parameters) -> Result<(), CodeError> {
    match form.find("redirect_uri") {
        None if grant.provider == Provider::Github => Ok(()),
        sent if sent == grant.redirect_uri.as_deref() => Ok(()),
        _ => Err(CodeError::RedirectUri),
    }
}

/// RFC 7636 section 4.6.
fn check_verifier(grant: &Grant, form: &Parameters) -> Result<(), CodeError> {
    let Some(challenge) = &grant.challenge else { return Ok(()) };
    let verifier = form.find("code_verifier").ok_or(CodeError::NoVerifier)?;
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    let fits = URL_SAFE_NO_PAD.encode(digest.as_ref()) == *challenge;
    if well_formed && fits { Ok(()) } else { Err(CodeError::WrongVerifier) }
}

/// Waits as long as the provider takes for this person.
pub(crate) async fn take_time(shared: &Shared, grant: &Grant) {
    if grant.persona.behaviour == Behaviour::Slow {
        tokio::time::sleep(shared.slow_delay()).await;
    }
}

/// The token of an `Authorization` header with one of these schemes.
pub(crate) fn find_token<'a>(headers: &'a HeaderMap, schemes: &[&str]) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| token.trim())
}

/// Whether a request body says that it is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
