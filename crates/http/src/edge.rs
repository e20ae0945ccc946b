//! The outermost layer: every request enters and every answer leaves through it. Request id, panics, errors, CORS,
//! security headers, one log line, metrics.

mod access;
mod direct;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod headers;
mod ids;
mod known;
mod operation;
mod ready;
mod refusals;
mod render;
mod request_id;
mod trace;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::FutureExt;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use tracing::{Instrument as _, Level};
use vestibule_domain::{AllowedOrigins, Randomness};
use vestibule_flows::with_time_budget;

use crate::App;
use crate::client_address::TrustedProxies;
use crate::cors;
use crate::limits::AddressLimits;
use crate::metrics::{Metrics, RequestCounter};
use crate::problem::{Fault, Problem};
use crate::repeated::refuse_repeated_parameters;

pub use access::AccessLog;
pub(crate) use operation::allowed_methods;
pub use refusals::Refusals;
pub(crate) use request_id::RequestId;
pub use trace::RequestTracer;

/// The target of the span that a request is served in. What is logged meanwhile carries its fields.
pub const REQUEST_SPAN: &str = "vestibule::request";

use access::{Access, Verdict};
use direct::Direct;
use ids::RequestIds;
use known::KnownSessions;
use ready::ReadyAnswers;

/// Marks a request that asked for the headers alone. It goes on as GET, whose answer it is about.
#[derive(Clone, Copy)]
pub(crate) struct HeadersOnly;

/// What the layer needs to know.
pub(crate) struct Edge {
    allowed_origins: AllowedOrigins,
    default_headers: HeaderMap,
    trusted_proxies: TrustedProxies,
    tracer: Option<Arc<dyn RequestTracer>>,
    limits: AddressLimits,
    metrics: Metrics,
    ids: RequestIds,
    ready: Option<ReadyAnswers>,
    known: Option<KnownSessions>,
    direct: Option<Arc<App>>,
    access: AccessLog,
}

impl Edge {
    pub(crate) fn new(app: &Arc<App>, metrics: Metrics, randomness: Arc<dyn Randomness>) -> Self {
        let (settings, http) = (app.flows.settings(), &app.settings);
        let https = settings.external_address.origin().is_https();
        Self {
            allowed_origins: settings.allowed_origins.clone(),
            default_headers: headers::default_headers(https),
            trusted_proxies: http.trusted_proxies.clone(),
            limits: AddressLimits::new(http.address_rates, http.trusted_proxies.clone()),
            tracer: http.tracer.clone(),
            metrics,
            ids: RequestIds::new(randomness),
            ready: Some(ReadyAnswers::new(Arc::clone(&app.flows), https)),
            known: Some(KnownSessions::new(Arc::clone(app), https)),
            direct: Some(Arc::clone(app)),
            access: http.access_log.clone(),
        }
    }

    /// Gives an answer the headers that every answer has.
    fn finish(&self, response: &mut Response, origin: Option<HeaderValue>, request_id: &str) {
        // Copied whole and then replaced by the answer's own, which is quicker than to look for each whether it is there.
        let own = std::mem::replace(response.headers_mut(), self.default_headers.clone());
        let headers = response.headers_mut();
        headers.extend(own);
        cors::add_headers(headers, origin);
        add_request_id(headers, request_id);
    }

    /// Gives an answer that is given at once, and is well, what belongs to the one who asks; then counts and logs the request.
    fn finish_at_once(
        &self,
        request: &Request,
        response: &mut Response,
        operation: &'static str,
        counter: &OnceLock<RequestCounter>,
        started: Instant,
    ) {
        let request_id = self.request_id(request);
        cors::add_headers(response.headers_mut(), cors::allowed_origin(request, &self.allowed_origins));
        add_request_id(response.headers_mut(), &request_id);
        let duration = started.elapsed();
        counter.get_or_init(|| self.metrics.counter_of(operation, 200)).count(duration);
        let verdict = self.access.judge(operation, 200);
        let (method, request_id) = (request.method(), &*request_id);
        Access { method, operation, status: 200, request_id, error: None, duration }.write(verdict);
    }

    /// Puts the layer around all routes.
    pub(crate) fn around(self, inner: BoxEndpoint<'static>) -> EdgeEndpoint {
        EdgeEndpoint { edge: self, inner }
    }
}

/// The routes with the layer around them.
pub(crate) struct EdgeEndpoint {
    edge: Edge,
    inner: BoxEndpoint<'static>,
}

impl EdgeEndpoint {
    async fn answer(&self, operation: &str, mut request: Request) -> Result<Response, Problem> {
        self.edge.limits.admit(operation, &request)?;
        refuse_repeated_parameters(&request)?;
        if request.method() == Method::HEAD {
            request.set_data(HeadersOnly);
            // The router would do the same, and forget how long the body was.
            request.set_method(Method::GET);
        }
        // In a box: what is wrapped is moved, and these are some kilobytes.
        let outcome = if let (Some(app), Some(direct)) = (&self.edge.direct, Direct::of(&request)) {
            AssertUnwindSafe(with_time_budget(Box::pin(direct.call(app, &request)))).catch_unwind().await
        } else {
            AssertUnwindSafe(with_time_budget(Box::pin(self.route(request)))).catch_unwind().await
        };
        outcome.unwrap_or(Err(Problem::Panicked))
    }

    /// Whatever it takes, with all that belongs to an answer.
    async fn answer_usually(&self, request: Request, started: Instant) -> Response {
        let request_id = self.edge.request_id(&request);
        let origin = cors::allowed_origin(&request, &self.edge.allowed_origins);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let operation = operation::operation_of(&path);
        // As loud as can be, so that it is there for every line that is.
        let span = tracing::error_span!(target: REQUEST_SPAN, "request", request_id, operation);
        self.edge.begin_trace(&span, &request);
        let form = render::form_for(&request);
        let mut verdict = None;
        let (mut response, fault) = match cors::preflight(&request, origin.as_ref()) {
            Some(response) => (response, None),
            None => match self
                .answer(operation, RequestId::put(request, &request_id))
                .instrument(span.clone())
                .await
            {
                Ok(response) => (response, None),
                Err(problem) => {
                    let fault = Fault::of(&problem);
                    let judged = *verdict.insert(self.edge.access.judge(operation, fault.status.as_u16()));
                    span.in_scope(|| log_problem(&problem, &fault, judged));
                    if let Some(by) = problem.limited_by() {
                        self.edge.metrics.service().count_rate_limited(operation, by);
                    }
                    (render::render(&problem, &fault, &path, form, &request_id), Some(fault))
                }
            },
        };
        self.edge.finish(&mut response, origin, &request_id);
        if method == Method::HEAD {
            keep_headers_only(&mut response).await;
        }
        let status = response.status().as_u16();
        self.edge.end_trace(&span, status);
        let duration = started.elapsed();
        self.edge.metrics.count_request(operation, status, duration);
        let error = fault.as_ref().map(|fault| fault.code);
        let access = Access { method: &method, operation, status, request_id: &request_id, error, duration };
        access.write(verdict.unwrap_or_else(|| self.edge.access.judge(operation, status)));
        response
    }

    async fn route(&self, request: Request) -> Result<Response, Problem> {
        match self.inner.call(request).await {
            Ok(response) => Ok(response.into_response()),
            Err(error) => Err(Problem::from_poem(error)),
        }
    }
}

impl Endpoint for EdgeEndpoint {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let at_once = self.edge.answer_if_ready(&request, started);
        if let Some(response) = at_once.or_else(|| self.edge.answer_if_known(&request, started)) {
            return Ok(response);
        }
        // In a box, so that what is answered at once need not move the room for everything that may happen here.
        Ok(Box::pin(self.answer_usually(request, started)).await)
    }
}

fn add_request_id(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// The details of a problem go to the log, here and only here. What a client has done wrong is told as long as the line of its
/// request is.
fn log_problem(problem: &Problem, fault: &Fault, verdict: Verdict) {
    let code = fault.code;
    match fault.level {
        Level::ERROR => tracing::error!(code, %problem, "a request failed"),
        Level::WARN => tracing::warn!(code, %problem, "a request failed"),
        _ if verdict == Verdict::LeftOut => {}
        Level::INFO => tracing::info!(code, %problem, "a request was refused"),
        _ => tracing::debug!(code, %problem, "a request was refused"),
    }
}

/// An answer to HEAD has the headers of the answer to GET, its length among them, and no body (RFC 9110 section 9.3.2).
async fn keep_headers_only(response: &mut Response) {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
}

#[cfg(test)]
mod tests;
