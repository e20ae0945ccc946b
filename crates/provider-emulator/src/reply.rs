//! Answers, in the few shapes that the providers use.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderValue, Method, StatusCode, header};
use poem::Response;
use serde_json::Value;
use url::Url;

/// JSON that nobody may keep.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(body.to_string())
}

/// JSON that anybody may keep for an hour, as the real issuers say of their keys and their discovery document.
pub(crate) fn public_json(body: &Value) -> Response {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::CACHE_CONTROL, "public, max-age=3600, must-revalidate")
        .body(body.to_string())
}

/// The way back to the client.
pub(crate) fn found(location: &Url) -> Response {
    Response::builder()
        .status(StatusCode::FOUND)
        .header(header::LOCATION, location.as_str())
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .finish()
}

/// No such address.
pub(crate) fn not_found() -> Response {
    Response::builder().status(StatusCode::NOT_FOUND).body("not found")
}

/// A method that this address does not have; `allowed` are those that it has.
pub(crate) fn method_not_allowed(allowed: &[Method]) -> Response {
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    Response::builder()
        .status(StatusCode::METHOD_NOT_ALLOWED)
        .header(header::ALLOW, names.join(", "))
        .body("method not allowed")
}

/// A request body that is too large or did not arrive.
pub(crate) fn unreadable_body() -> Response {
    Response::builder().status(StatusCode::BAD_REQUEST).body("the request body cannot be read")
}

/// The answer with the second that it is here, unless it bears a date already.
pub(crate) fn dated(mut response: Response, seconds: i64) -> Response {
    let since_epoch = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let date = httpdate::fmt_http_date(UNIX_EPOCH + since_epoch);
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
    response
}
