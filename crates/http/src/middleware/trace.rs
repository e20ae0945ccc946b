//! The export of the spans of requests.

use std::fmt::Debug;

use poem::Request;
use poem::http::{HeaderMap, Method};
use tracing::Span;

use crate::client_address::TrustedProxies;

/// Adds to the span of a request what a trace tells of it and the log does not. Not there unless traces are exported.
pub trait RequestTracer: Debug + Send + Sync {
    /// The request begins. The headers are those of a trusted proxy, which may name a trace that the request belongs to.
    fn begin(&self, span: &Span, method: &'static str, headers: Option<&HeaderMap>);

    /// The answer is ready.
    fn end(&self, span: &Span, status: u16);
}

/// Begins the trace of a request. The headers of a trusted proxy alone may name one that it belongs to.
pub(super) fn begin(tracer: &dyn RequestTracer, span: &Span, request: &Request, proxies: &TrustedProxies) {
    let believed = proxies.handed_on(request);
    tracer.begin(span, method_name(request.method()), believed.then(|| request.headers()));
}

/// Out of a fixed set: a client may invent any method, and make it as long as the head of a request.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
