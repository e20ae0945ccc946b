//! Whoever exports the spans of requests.

use std::fmt::Debug;

use poem::Request;
use poem::http::{HeaderMap, Method};
use tracing::Span;

use super::Edge;

/// Adds to the span of a request what a trace tells of it and the log does not. Not there unless traces are exported.
pub trait RequestTracer: Debug + Send + Sync {
    /// The request begins. The headers are those of a trusted proxy, which may name a trace that the request belongs to.
    fn begin(&self, span: &Span, method: &'static str, headers: Option<&HeaderMap>);

    /// The answer is ready.
    fn end(&self, span: &Span, status: u16);
}

impl Edge {
    pub(super) fn begin_trace(&self, span: &Span, request: &Request) {
        if let Some(tracer) = &self.tracer {
            let believed = self.trusted_proxies.handed_on(request);
            tracer.begin(span, method_of(request), believed.then(|| request.headers()));
        }
    }

    pub(super) fn end_trace(&self, span: &Span, status: u16) {
        if let Some(tracer) = &self.tracer {
            tracer.end(span, status);
        }
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
