//! The span of a request that is exported, as the semantic conventions for HTTP servers have it. It holds no address, no
//! header and nobody's name.

use std::fmt::Debug;

use poem::Request;
use poem::http::{HeaderMap, Method};
use tracing::{Span, field};

use super::Edge;

/// Knows how proxies tell of the trace that a request belongs to.
pub trait TraceParent: Debug + Send + Sync {
    /// Makes a span a child of the one that the headers name, if they name one. The span has not begun yet.
    fn adopt(&self, span: &Span, headers: &HeaderMap);
}

/// Begins it. Nobody listens to its target unless traces are exported; then it costs next to nothing.
pub(super) fn begin(request: &Request, operation: &'static str, request_id: &str, edge: &Edge) -> Span {
    let span = tracing::trace_span!(
        target: "vestibule::spans",
        "http_request",
        otel.name = operation,
        otel.kind = "server",
        http.request.method = method_of(request),
        http.response.status_code = field::Empty,
        otel.status_code = field::Empty,
        request_id,
    );
    if let Some(trace_parent) = edge.trace_parent.as_ref().filter(|_| !span.is_disabled())
        && edge.trusted_proxies.handed_on(request)
    {
        trace_parent.adopt(&span, request.headers());
    }
    span
}

/// Says how it ended. What the client did wrong is no error of the server.
pub(super) fn end(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "error");
    }
}

/// Out of a fixed set: a client may invent any method.
fn method_of(request: &Request) -> &'static str {
    match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
