//! Headers that every answer has.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The policy of whatever is not a page: nothing may be loaded from it and nobody may frame it.
const CLOSED_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Room for all headers of an ordinary answer, so that they need not be moved while they are gathered.
pub(crate) const CAPACITY: usize = 16;

/// The headers of every answer that brings none of its own.
pub(crate) fn default_headers(https: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(CAPACITY);
    add_security_headers(&mut headers, https);
    headers
}

/// Adds what is not there yet: a page brings its own content policy, and a public key its own lifetime in caches.
pub(crate) fn add_security_headers(headers: &mut HeaderMap, https: bool) {
    headers.reserve(CAPACITY);
    let mut default = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, CLOSED_POLICY);
    default(header::CACHE_CONTROL, "no-store");
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
