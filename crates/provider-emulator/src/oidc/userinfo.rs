//! An issuer's userinfo endpoint.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::Response;
use serde_json::{Value, json};

use super::id_token;
use crate::exchange;
use crate::lock::lock;
use crate::provider::{Issuer, Provider};
use crate::reply;
use crate::shared::Shared;

/// Tells about the holder of the access token.
pub(crate) fn userinfo(shared: &Shared, issuer: Issuer, headers: &HeaderMap) -> Response {
    let token = exchange::find_token(headers, &["bearer"]).unwrap_or_default();
    let grant = shared.access_tokens.find(token, shared.clock.now());
    let Some(grant) = grant.filter(|grant| grant.provider == Provider::from(issuer)) else {
        return invalid_token();
    };
    let mut claims = id_token::told(issuer, &grant);
    if let Some(Value::Object(members)) = &*lock(&shared.issuer(issuer).userinfo) {
        claims.extend(members.clone());
    }
    reply::json(StatusCode::OK, &Value::Object(claims))
}

fn invalid_token() -> Response {
    let body = json!({ "error": "invalid_token", "error_description": "Invalid Credentials" });
    let mut response = reply::json(StatusCode::UNAUTHORIZED, &body);
    let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    response
}
