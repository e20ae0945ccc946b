//! Answers that are the same for everybody. They are made once and given before anything else is looked at.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Body, Request, Response};
use poem_openapi::payload::{Json, Payload, PlainText};
use vestibule_flows::{Flows, PublishedKeys};

use super::{Edge, headers};
use crate::answers::{HealthAnswer, KeySetAnswer};
use crate::api::CACHEABLE;
use crate::metrics::RequestCounter;
use crate::success::Describe;

/// An answer but for what belongs to the one who asks.
pub(crate) struct Ready {
    headers: HeaderMap,
    body: Bytes,
}

/// The answers about keys, as long as the keys are these.
struct KeyAnswers {
    keys: Arc<PublishedKeys>,
    public_key: Ready,
    jwks: Ready,
}

/// All such answers.
pub(crate) struct ReadyAnswers {
    flows: Arc<Flows>,
    https: bool,
    alive: Ready,
    keys: ArcSwapOption<KeyAnswers>,
    counters: [OnceLock<RequestCounter>; 3],
}

#[derive(Clone, Copy)]
enum Which {
    PublicKey,
    Jwks,
    Alive,
}

impl Which {
    /// What is asked for, if it is asked as clients do; the usual way has an answer to all else.
    fn of(request: &Request) -> Option<Self> {
        let uri = request.uri();
        if uri.query().is_some() || !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        match uri.path() {
            "/auth/public-key" => Some(Self::PublicKey),
            "/.well-known/jwks.json" => Some(Self::Jwks),
            "/healthz" => Some(Self::Alive),
            _ => None,
        }
    }

    fn operation(self) -> &'static str {
        match self {
            Self::PublicKey => "read_public_key",
            Self::Jwks => "read_jwks",
            Self::Alive => "check_health",
        }
    }
}

impl Ready {
    fn new(
        content_type: &'static str,
        cache_control: Option<&'static str>,
        body: String,
        https: bool,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(headers::CAPACITY);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(value) = cache_control {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        }
        headers::add_security_headers(&mut headers, https);
        Self { headers, body: body.into() }
    }

    fn json<T: Describe>(body: &T, cache_control: Option<&'static str>, https: bool) -> Self {
        let body = serde_json::to_string(body).unwrap_or_default();
        Self::new(Json::<T>::CONTENT_TYPE, cache_control, body, https)
    }

    fn to_response(&self, method: &Method) -> Response {
        let mut response = Response::default();
        response.headers_mut().clone_from(&self.headers);
        if *method == Method::HEAD {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        } else {
            response.set_body(Body::from(self.body.clone()));
        }
        response
    }
}

impl KeyAnswers {
    fn new(keys: &Arc<PublishedKeys>, https: bool) -> Self {
        let text = PlainText::<String>::CONTENT_TYPE;
        Self {
            keys: Arc::clone(keys),
            public_key: Ready::new(text, Some(CACHEABLE), keys.pem.clone(), https),
            jwks: Ready::json(&KeySetAnswer::from(keys.jwks.clone()), Some(CACHEABLE), https),
        }
    }
}

impl ReadyAnswers {
    pub(crate) fn new(flows: Arc<Flows>, https: bool) -> Self {
        let alive = Ready::json(&HealthAnswer::alive(), None, https);
        Self { flows, https, alive, keys: ArcSwapOption::empty(), counters: Default::default() }
    }

    fn response(&self, which: Which, method: &Method) -> Response {
        match which {
            Which::Alive => self.alive.to_response(method),
            Which::PublicKey => self.key_answers().public_key.to_response(method),
            Which::Jwks => self.key_answers().jwks.to_response(method),
        }
    }

    fn key_answers(&self) -> Arc<KeyAnswers> {
        let keys = self.flows.tokens().published_keys();
        let made = self.keys.load();
        if let Some(answers) = made.as_ref().filter(|answers| Arc::ptr_eq(&answers.keys, &keys)) {
            return Arc::clone(answers);
        }
        let answers = Arc::new(KeyAnswers::new(&keys, self.https));
        self.keys.store(Some(Arc::clone(&answers)));
        answers
    }
}

impl Edge {
    /// Answers a request for something that is ready.
    pub(super) fn answer_if_ready(&self, request: &Request, started: Instant) -> Option<Response> {
        let ready = self.ready.as_ref()?;
        let which = Which::of(request)?;
        let mut response = ready.response(which, request.method());
        self.finish_at_once(
            request,
            &mut response,
            which.operation(),
            ready.counters.get(which as usize)?,
            started,
        );
        Some(response)
    }
}
