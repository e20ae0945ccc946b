//! Answers from memory, before anything is set up that only a request needs which may wait, fail or have something to log: the same
//! for everybody, as keys are, or a check by a person whose session is cached.
//!
//! INVARIANT: what is answered here, the handler of the operation would answer alike. Whenever that is not plain, nothing has
//! happened yet and the handler is called.

mod cached_responses;

use std::sync::Arc;

use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Body, Request, Response};
use poem_openapi::payload::{Json, Payload};
use vestibule_flows::Flows;

use crate::authn::{Accepts, PresentedCredentials};
use crate::endpoints::sessions::responses::{SessionAnswer, SignedIn};
use crate::middleware::security_headers;
use crate::parameters::Parameters;

use cached_responses::CachedResponses;

/// Answers a request of its operation, if memory can.
pub(crate) type Immediate = fn(&ImmediateAnswer, &Request) -> Option<Response>;

/// What such answers are made of.
pub(crate) struct ImmediateAnswer {
    flows: Arc<Flows>,
    cached: CachedResponses,
    /// Of an answer in JSON.
    headers: HeaderMap,
}

impl ImmediateAnswer {
    pub(crate) fn new(flows: Arc<Flows>, https: bool) -> Self {
        let mut headers = security_headers::default_headers(https);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Json::<SessionAnswer>::CONTENT_TYPE));
        Self { cached: CachedResponses::new(Arc::clone(&flows), https), flows, headers }
    }

    pub(crate) fn alive(&self, request: &Request) -> Option<Response> {
        is_plain(request).then(|| self.cached.alive(request.method()))
    }

    pub(crate) fn public_key(&self, request: &Request) -> Option<Response> {
        is_plain(request).then(|| self.cached.public_key(request.method()))
    }

    pub(crate) fn jwks(&self, request: &Request) -> Option<Response> {
        is_plain(request).then(|| self.cached.jwks(request.method()))
    }

    /// The answer to a check by a person whose session is cached.
    pub(crate) fn check_session(&self, request: &Request) -> Option<Response> {
        if request.method() != Method::GET {
            return None;
        }
        let parameters = Parameters::parse(request);
        parameters.check().ok()?;
        let cookies = self.flows.settings().cookie_address();
        let credentials = PresentedCredentials::parse(request, &parameters, Accepts::Token, cookies);
        let principal = self.flows.authenticate_cached(credentials.single().ok()?)?;
        if !principal.tells_profile() {
            return None;
        }
        let answer = SignedIn { authenticated: true, profile: (&principal).into() };
        let body = serde_json::to_vec(&answer).ok()?;
        let mut response = Response::default();
        response.headers_mut().clone_from(&self.headers);
        response.set_body(Body::from(body));
        Some(response)
    }
}

/// Whether a request is made as clients do. The handler has an answer to all else.
fn is_plain(request: &Request) -> bool {
    request.uri().query().is_none()
}
