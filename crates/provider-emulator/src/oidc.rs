//! The two OpenID Connect issuers.

mod id_token;
mod token;
mod userinfo;

use poem::Response;
use serde_json::{Map, Value, json};

use crate::lock::lock;
use crate::provider::Issuer;
use crate::reply;
use crate::shared::Shared;

pub(crate) use token::exchange;
pub(crate) use userinfo::userinfo;

/// The discovery document (OpenID Connect Discovery 1.0 section 4).
pub(crate) fn discovery(shared: &Shared, issuer: Issuer) -> Response {
    let url = shared.issuer_url(issuer);
    let document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "jwks_uri": format!("{url}/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported":
            ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "name", "picture", "sub"],
        "code_challenge_methods_supported": ["S256"],
        // RFC 9207 section 3.
        "authorization_response_iss_parameter_supported": issuer == Issuer::Corporate,
    });
    reply::public_json(&edited(document, &lock(&shared.issuer(issuer).discovery)))
}

/// The document with these members in the place of its own.
fn edited(mut document: Value, members: &Map<String, Value>) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.extend(members.clone());
        document.retain(|_, value| !value.is_null());
    }
    document
}

/// The published keys.
pub(crate) fn jwks(shared: &Shared, issuer: Issuer) -> Response {
    reply::public_json(&lock(&shared.issuer(issuer).keys).key_set())
}
