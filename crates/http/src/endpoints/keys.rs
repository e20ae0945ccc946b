//! The public keys that tokens are verified with.

pub(crate) mod responses;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Response;

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::error::{Documented, Status, Statuses};
use crate::responses::{PublicKeyPem, Success};

use responses::KeySetAnswer;

pub(crate) struct KeysApi;

pub(crate) struct KeyFailures;

impl Statuses for KeyFailures {
    const ALL: &'static [Status] = &[];
}

/// Short enough that a rotation is noticed soon, long enough that verifiers do not ask at every token.
pub(crate) const CACHEABLE: &str = "public, max-age=300";

handler!(handle_public_key(app, _context, _) => KeysApi.read_public_key(Data(app)));

handler!(handle_jwks(app, _context, _) => KeysApi.read_jwks(Data(app)));

#[expect(clippy::unused_async, reason = "operations are async, also those that wait for nothing")]
#[OpenApi]
impl KeysApi {
    /// The key that signs now
    ///
    /// As a PEM block (`SubjectPublicKeyInfo`). Prefer the key set: it also has the keys before and after this one.
    #[oai(path = "/auth/public-key", method = "get", tag = "Tag::Keys", operation_id = "read_public_key")]
    async fn read_public_key(
        &self,
        app: Data<&Arc<App>>,
    ) -> Result<Response<PublicKeyPem>, Documented<KeyFailures>> {
        let pem = PublicKeyPem(app.flows.tokens().public_key_pem());
        Ok(Response::new(pem).header("cache-control", CACHEABLE))
    }

    /// The key set
    ///
    /// Every key that verifies a token that may still be alive, and the next one when it is already known (RFC 7517).
    #[oai(path = "/.well-known/jwks.json", method = "get", tag = "Tag::Keys", operation_id = "read_jwks")]
    async fn read_jwks(
        &self,
        app: Data<&Arc<App>>,
    ) -> Result<Response<Success<KeySetAnswer>>, Documented<KeyFailures>> {
        let keys = Success(app.flows.tokens().jwks().into());
        Ok(Response::new(keys).header("cache-control", CACHEABLE))
    }
}
