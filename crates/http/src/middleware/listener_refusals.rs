//! Answers to requests that never come as far as this layer, in the form of all others.

use std::sync::Arc;

use bytes::Bytes;
use poem::http::{HeaderValue, Response, StatusCode, header};
use vestibule_domain::SecureRandom;

use super::request_id::RequestIds;
use super::{add_request_id, security_headers};
use crate::error::{self, ApiError, ErrorResponse};

/// Makes the answers of the listener to what it refuses by itself.
pub struct Refusals {
    https: bool,
    ids: RequestIds,
}

impl Refusals {
    /// With `https` browsers are told to come by nothing else.
    pub fn new(https: bool, randomness: Arc<dyn SecureRandom>) -> Self {
        Self { https, ids: RequestIds::new(randomness) }
    }

    /// The answer of one of the statuses that a listener refuses with: 400, 414, 431, 503.
    pub fn answer(&self, status: StatusCode) -> Response<Bytes> {
        let error = match status {
            StatusCode::BAD_REQUEST => ApiError::Malformed,
            StatusCode::URI_TOO_LONG => ApiError::TargetTooLong,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ApiError::HeadTooLarge,
            StatusCode::SERVICE_UNAVAILABLE => ApiError::Overloaded,
            other => ApiError::Unexpected(other),
        };
        let (answer, id) = (ErrorResponse::of(&error), self.ids.next());
        // Not logged above debug: a flood would fill the log. The listener counts what it had no room for.
        tracing::debug!(code = answer.code, request_id = id, problem = %error, "a request was refused by the listener");
        let mut response = Response::new(Bytes::from(error::json(&answer, &id)));
        *response.status_mut() = answer.status;
        let to = response.headers_mut();
        to.insert(header::CONTENT_TYPE, HeaderValue::from_static(error::JSON));
        error::add_headers(&answer, to);
        security_headers::add_security_headers(to, self.https);
        add_request_id(to, &id);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vestibule_domain::SystemRandom;

    use super::*;

    #[test]
    fn a_refusal_looks_like_every_other_error_and_keeps_its_status() {
        let refusals = Refusals::new(true, Arc::new(SystemRandom));
        for (status, code) in
            [(400, "invalid_request"), (414, "address_too_long"), (431, "head_too_large"), (503, "busy")]
        {
            let answer = refusals.answer(StatusCode::from_u16(status).unwrap());
            assert_eq!(answer.status(), status);
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!((&body["error"], body["request_id"].as_str()), (&json!(code), header("x-request-id")));
            assert_eq!(header("retry-after"), (status == 503).then_some("1"));
            assert_eq!(header("content-type"), Some("application/json; charset=utf-8"));
            assert_eq!(header("cache-control"), Some("no-store"));
            assert!(header("strict-transport-security").is_some());
        }
    }
}
