//! The public keys that tokens are verified with.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::{Json, PlainText, Response};
use poem_openapi::types::Any;
use serde_json::Value;

use super::Tag;
use crate::App;

pub(crate) struct KeysApi;

/// Short enough that a rotation is noticed soon, long enough that verifiers do not ask at every token.
const CACHEABLE: &str = "public, max-age=300";

#[OpenApi]
impl KeysApi {
    /// The key that signs now
    ///
    /// As a PEM block (SubjectPublicKeyInfo). Prefer the key set: it also has the keys before and after this one.
    #[oai(path = "/auth/public-key", method = "get", tag = "Tag::Keys", operation_id = "read_public_key")]
    async fn read_public_key(&self, app: Data<&Arc<App>>) -> Response<PlainText<String>> {
        Response::new(PlainText(app.flows.tokens().public_key_pem())).header("cache-control", CACHEABLE)
    }

    /// The key set
    ///
    /// Every key that verifies a token that may still be alive, and the next one when it is already known (RFC 7517).
    #[oai(path = "/.well-known/jwks.json", method = "get", tag = "Tag::Keys", operation_id = "read_jwks")]
    async fn read_jwks(&self, app: Data<&Arc<App>>) -> Response<Json<Any<Value>>> {
        let keys = serde_json::to_value(app.flows.tokens().jwks()).unwrap_or_default();
        Response::new(Json(Any(keys))).header("cache-control", CACHEABLE)
    }
}
