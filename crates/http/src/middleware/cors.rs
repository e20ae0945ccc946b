//! Cross-origin requests (Fetch standard, section 3.3): pages of the configured origins, compared whole, may read every answer;
//! pages of all origins may read what is public. Never with credentials: a token travels in the request, never in a cookie.

mod requested_headers;

use std::time::Duration;

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};
use vestibule_domain::{AllowedOrigins, LogThrottle, Origin};

use crate::operations::Operation;
use requested_headers::permitted_headers;

/// How long the log does not repeat that a page was refused.
const PAUSE_BETWEEN_HINTS: Duration = Duration::from_secs(60);

/// What a page of an allowed origin may ask with: every method that some operation has.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// The longest origin that is logged whole: with a host name as long as there can be.
const MAX_LOGGED: usize = 270;

/// Who may read from another origin.
pub(crate) struct Cors {
    allowed: AllowedOrigins,
    /// Ours, whose pages need no permission.
    own: Origin,
    refused: LogThrottle,
}

/// Whose pages may read an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Those of the service itself.
    Own,
    /// Those of this origin.
    Origin(HeaderValue),
    /// Those of every origin: the answer says the same to everybody.
    Everybody,
}

impl Cors {
    pub(crate) fn new(allowed: AllowedOrigins, own: Origin) -> Self {
        Self { allowed, own, refused: LogThrottle::new(PAUSE_BETWEEN_HINTS) }
    }

    /// Whose pages may read the answer to a request.
    pub(crate) fn readers_of(&self, request: &Request, operation: &Operation) -> Readers {
        if operation.is_public {
            return Readers::Everybody;
        }
        let Some(origin) = request.headers().get(header::ORIGIN) else { return Readers::Own };
        if origin.to_str().is_ok_and(|text| self.allowed.allow_header(text)) {
            return Readers::Origin(origin.clone());
        }
        self.give_hint(origin, request);
        Readers::Own
    }

    /// Tells the operator of an origin that may be missing from the list: now and then, since anybody can cause it.
    fn give_hint(&self, origin: &HeaderValue, request: &Request) {
        let Some(origin) = origin.to_str().ok().and_then(|text| Origin::parse(text).ok()) else { return };
        // A form that a browser sends has an origin as well, and nobody reads its answer.
        let mode = request.headers().get("sec-fetch-mode");
        if origin == self.own || mode.is_some_and(|mode| mode != "cors") {
            return;
        }
        if let Some(suppressed) = self.refused.admit() {
            tracing::info!(
                origin = origin.as_str().get(..MAX_LOGGED).unwrap_or(origin.as_str()),
                suppressed,
                "a page of an origin that ALLOWED_ORIGINS does not list cannot read its answer"
            );
        }
    }
}

impl Readers {
    /// The answer to a preflight, of a page that may read what follows.
    pub(crate) fn preflight(&self, request: &Request, operation: &Operation) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let methods = if operation.is_public { "GET, HEAD" } else { METHODS };
        (asks && *self != Self::Own).then(|| {
            Response::builder()
                .status(StatusCode::NO_CONTENT)
                .header(header::ACCESS_CONTROL_ALLOW_METHODS, methods)
                .header(header::ACCESS_CONTROL_ALLOW_HEADERS, permitted_headers(request.headers()))
                .header(header::ACCESS_CONTROL_MAX_AGE, "600")
                .header(header::VARY, "Access-Control-Request-Headers")
                .finish()
        })
    }

    /// Says so in the headers of the answer.
    pub(crate) fn add_headers(self, headers: &mut HeaderMap) {
        let everybody = self == Self::Everybody;
        let origin = match self {
            Self::Own => None,
            Self::Origin(origin) => Some(origin),
            Self::Everybody => Some(HeaderValue::from_static("*")),
        };
        if !everybody {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("etag, retry-after, x-request-id"),
            );
        }
    }
}
