//! Checks that memory alone can answer: nearly all. Like what is ready, they are answered before anything is set up that only a
//! request needs which may wait, fail or have something to log.
//!
//! INVARIANT: what is answered here, the usual way would answer alike. Whenever that is not plain, nothing has happened
//! yet and the request goes the usual way.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Body, Request, Response};
use poem_openapi::payload::{Json, Payload};
use vestibule_flows::Credentials;

use super::{Edge, headers};
use crate::App;
use crate::answers::{SessionAnswer, SignedIn};
use crate::credential::only_token;
use crate::metrics::RequestCounter;

const OPERATION: &str = "check_session";

/// What such checks need.
pub(crate) struct KnownSessions {
    app: Arc<App>,
    headers: HeaderMap,
    counter: OnceLock<RequestCounter>,
}

impl KnownSessions {
    pub(crate) fn new(app: Arc<App>, https: bool) -> Self {
        let mut headers = HeaderMap::with_capacity(headers::CAPACITY);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Json::<SessionAnswer>::CONTENT_TYPE));
        headers::add_security_headers(&mut headers, https);
        Self { app, headers, counter: OnceLock::new() }
    }

    /// The answer to a check of somebody who is known to be signed in.
    fn answer(&self, request: &Request) -> Option<Response> {
        if request.method() != Method::GET || request.uri().path() != "/auth/check" {
            return None;
        }
        let principal =
            self.app.flows.authenticate_cached(Credentials { token: Some(only_token(request)?) })?;
        let answer = SignedIn { authenticated: true, profile: (&principal).into() };
        let body = serde_json::to_vec(&answer).ok()?;
        let mut response = Response::default();
        response.headers_mut().clone_from(&self.headers);
        response.set_body(Body::from(body));
        Some(response)
    }
}

impl Edge {
    /// Answers a check of somebody who is known. A trace tells of every request, so there is none of these while traces are
    /// exported.
    pub(super) fn answer_if_known(&self, request: &Request, started: Instant) -> Option<Response> {
        let known = self.known.as_ref().filter(|_| self.tracer.is_none())?;
        let mut response = known.answer(request)?;
        self.finish_at_once(request, &mut response, OPERATION, &known.counter, started);
        Some(response)
    }
}
