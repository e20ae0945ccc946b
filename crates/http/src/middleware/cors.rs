//! Cross-origin requests: from the configured origins alone, compared whole (Fetch standard, section 3.3).

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};
use vestibule_domain::AllowedOrigins;

/// The origin of the request, if it is an allowed one.
pub(crate) fn allowed_origin(request: &Request, allowed: &AllowedOrigins) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    allowed.allow_header(origin.to_str().ok()?).then(|| origin.clone())
}

/// The answer to a preflight of an allowed origin.
pub(crate) fn preflight(request: &Request, origin: Option<&HeaderValue>) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    (asks && origin.is_some()).then(|| {
        Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST")
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, auth-token, content-type")
            .header(header::ACCESS_CONTROL_MAX_AGE, "600")
            .finish()
    })
}

/// Lets an allowed origin read the answer. No credentials: the token travels in the request, never in a cookie.
pub(crate) fn add_headers(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("retry-after, x-request-id"),
        );
    }
}
