//! An issuer's token endpoint.

use std::io;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::Response;
use serde_json::{Value, json};

use super::id_token;
use crate::exchange::{self, ClientError, CodeError};
use crate::grants::Grant;
use crate::lock::lock;
use crate::parameters::{Parameters, Repeated};
use crate::provider::{Issuer, Provider};
use crate::random;
use crate::reply;
use crate::shared::Shared;

/// Seconds for which an access token is good.
const ACCESS_TOKEN_LIFE: i64 = 3600;

/// A refusal in the shape of RFC 6749 section 5.2, with the descriptions that Google gives.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    description: String,
    challenge: bool,
}

impl Refusal {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: description.into(), challenge: false }
    }

    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.description });
        let mut response = reply::json(self.status, &body);
        if self.challenge {
            let value = HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Twice => Self::new("invalid_request", "Only one way to authenticate may be used."),
            ClientError::Unknown { by_header } => Self {
                status: StatusCode::UNAUTHORIZED,
                challenge: by_header,
                ..Self::new("invalid_client", "The OAuth client was not found.")
            },
        }
    }
}

impl From<CodeError> for Refusal {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Unknown => Self::new("invalid_grant", "Malformed auth code."),
            CodeError::RedirectUri => Self::new("redirect_uri_mismatch", "Bad Request"),
            CodeError::NoVerifier => Self::new("invalid_grant", "Missing code verifier."),
            CodeError::WrongVerifier => Self::new("invalid_grant", "Invalid code verifier."),
        }
    }
}

impl From<Repeated> for Refusal {
    fn from(Repeated(name): Repeated) -> Self {
        Self::new("invalid_request", format!("Parameter given more than once: {name}"))
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, ..Self::new("internal_failure", error.to_string()) }
    }
}

/// Exchanges a code for tokens.
pub(crate) async fn exchange(shared: &Shared, issuer: Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    match try_exchange(shared, issuer, headers, body).await {
        Ok(tokens) => reply::json(StatusCode::OK, &tokens),
        Err(refusal) => refusal.into_response(),
    }
}

async fn try_exchange(
    shared: &Shared,
    issuer: Issuer,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Refusal> {
    let provider = Provider::from(issuer);
    if !exchange::is_form(headers) {
        return Err(Refusal::new("invalid_request", "The request body is not a form."));
    }
    let form = Parameters::parse(body)?;
    let registered = *lock(&shared.issuer(issuer).auth_method);
    exchange::authenticate(shared.client(provider), registered, headers, &form)?;
    check_grant_type(&form)?;
    let grant = exchange::redeem(shared, provider, &form)?;
    exchange::take_time(shared, &grant).await;
    let tokens = issue(shared, issuer, grant)?;
    shared.counters.count_token(provider);
    Ok(tokens)
}

fn check_grant_type(form: &Parameters) -> Result<(), Refusal> {
    match form.find("grant_type") {
        Some("authorization_code") => Ok(()),
        Some(other) => Err(Refusal::new("unsupported_grant_type", format!("Invalid grant_type: {other}"))),
        None => Err(Refusal::new("invalid_request", "Required parameter is missing: grant_type")),
    }
}

fn issue(shared: &Shared, issuer: Issuer, grant: Arc<Grant>) -> io::Result<Value> {
    let access_token = format!("ya29.{}", random::base64url());
    let id_token = id_token::mint(shared, issuer, &grant, &access_token)?;
    let answer = json!({
        "access_token": access_token,
        "expires_in": ACCESS_TOKEN_LIFE - 1,
        "scope": grant.scopes.join(" "),
        "token_type": "Bearer",
        "id_token": id_token,
    });
    shared.access_tokens.keep(&access_token, grant, shared.clock.now() + ACCESS_TOKEN_LIFE);
    Ok(answer)
}
