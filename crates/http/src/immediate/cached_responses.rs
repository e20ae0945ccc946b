//! Answers that are the same for everybody. They are made once and given before anything else is looked at.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Body, Response};
use poem_openapi::payload::{Json, Payload, PlainText};
use vestibule_flows::{Flows, PublishedKeys};

use crate::endpoints::health::responses::HealthAnswer;
use crate::endpoints::keys::CACHEABLE;
use crate::endpoints::keys::responses::KeySetAnswer;
use crate::middleware::security_headers;
use crate::responses::Describe;

/// An answer but for what belongs to the one who asks.
pub(super) struct CachedResponse {
    headers: HeaderMap,
    body: Bytes,
}

/// The answers about keys, as long as the keys are these.
struct KeyAnswers {
    keys: Arc<PublishedKeys>,
    public_key: CachedResponse,
    jwks: CachedResponse,
}

/// All such answers.
pub(super) struct CachedResponses {
    flows: Arc<Flows>,
    https: bool,
    alive: CachedResponse,
    keys: ArcSwapOption<KeyAnswers>,
}

impl CachedResponse {
    fn new(
        content_type: &'static str,
        cache_control: Option<&'static str>,
        body: String,
        https: bool,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(security_headers::CAPACITY);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(value) = cache_control {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        }
        security_headers::add_security_headers(&mut headers, https);
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
            public_key: CachedResponse::new(text, Some(CACHEABLE), keys.pem.clone(), https),
            jwks: CachedResponse::json(&KeySetAnswer::from(keys.jwks.clone()), Some(CACHEABLE), https),
        }
    }
}

impl CachedResponses {
    pub(super) fn new(flows: Arc<Flows>, https: bool) -> Self {
        let alive = CachedResponse::json(&HealthAnswer::alive(), None, https);
        Self { flows, https, alive, keys: ArcSwapOption::empty() }
    }

    pub(super) fn alive(&self, method: &Method) -> Response {
        self.alive.to_response(method)
    }

    pub(super) fn public_key(&self, method: &Method) -> Response {
        self.key_answers().public_key.to_response(method)
    }

    pub(super) fn jwks(&self, method: &Method) -> Response {
        self.key_answers().jwks.to_response(method)
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
