//! What surrounds every operation: every request enters here and every answer leaves here. Request id, panics, errors, CORS,
//! security headers, limits of addresses, one log line, the observer.

pub(crate) mod access_log;
mod cors;
pub(crate) mod listener_refusals;
pub(crate) mod rate_limit;
pub(crate) mod request_id;
pub(crate) mod security_headers;
pub(crate) mod trace;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, Request, RequestBody, Response};
use tracing::{Instrument as _, Level, Span};
use vestibule_domain::SecureRandom;
use vestibule_flows::with_time_budget;

use crate::app::App;
use crate::arrivals::Arrivals;
use crate::client_address::TrustedProxies;
use crate::error::{ApiError, ErrorResponse, render};
use crate::immediate::ImmediateAnswer;
use crate::observer::RequestObserver;
use crate::operations::{Operation, allowed_methods};
use crate::request_context::{HeadersOnly, RequestContext, RequestId};
use crate::settings::HttpSettings;

/// The target of the span that a request is served in. What is logged meanwhile carries its fields.
pub const REQUEST_SPAN: &str = "vestibule::request";

use access_log::{Access, AccessLog, Verdict};
use cors::{Cors, Readers};
use rate_limit::AddressLimits;
use request_id::RequestIds;
use trace::RequestTracer;

/// What surrounds every operation.
pub(crate) struct Middleware {
    cors: Cors,
    default_headers: HeaderMap,
    trusted_proxies: TrustedProxies,
    tracer: Option<Arc<dyn RequestTracer>>,
    limits: AddressLimits,
    observer: Arc<dyn RequestObserver>,
    ids: RequestIds,
    access: AccessLog,
    arrivals: Arrivals,
    /// What operations work with; `None` where only pages are served.
    operations: Option<Operations>,
    pages: BoxEndpoint<'static>,
}

/// The operations and what is answered in their name at once.
struct Operations {
    app: Arc<App>,
    immediate: ImmediateAnswer,
}

impl Middleware {
    pub(crate) fn new(
        app: Arc<App>,
        http: HttpSettings,
        observer: Arc<dyn RequestObserver>,
        randomness: Arc<dyn SecureRandom>,
        pages: BoxEndpoint<'static>,
    ) -> Self {
        let settings = app.flows.settings();
        let https = settings.external_address.origin().is_https();
        let immediate = ImmediateAnswer::new(Arc::clone(&app.flows), https);
        Self {
            cors: Cors::new(settings.allowed_origins.clone(), settings.external_address.origin().clone()),
            default_headers: security_headers::default_headers(https),
            trusted_proxies: http.trusted_proxies.clone(),
            limits: AddressLimits::new(http.address_rates, http.trusted_proxies),
            tracer: http.tracer,
            observer,
            ids: RequestIds::new(randomness),
            access: http.access_log,
            arrivals: http.arrivals,
            operations: Some(Operations { app, immediate }),
            pages,
        }
    }

    /// Answers a request from memory, if its operation can, with what belongs to the one who asks; then counts and logs it.
    ///
    /// A trace tells of every request that has work to do, so checks are not answered here while traces are exported.
    fn answer_immediately(
        &self,
        request: &Request,
        operation: &'static Operation,
        started: Instant,
    ) -> Option<Response> {
        let immediate = operation.immediate.filter(|_| self.tracer.is_none() || operation.is_routine)?;
        if !operation.allows(request.method()) {
            return None;
        }
        let mut response = immediate(&self.operations.as_ref()?.immediate, request)?;
        let request_id = self.ids.id_of(request, &self.trusted_proxies);
        self.cors.readers_of(request, operation).add_headers(response.headers_mut());
        add_request_id(response.headers_mut(), &request_id);
        let duration = started.elapsed();
        self.observer.answered(operation.observed(), 200, duration);
        let verdict = self.access.judge(operation, 200);
        let (method, request_id) = (request.method(), request_id.as_str());
        Access { method, operation, status: 200, request_id, error: None, duration }.write(verdict);
        Some(response)
    }

    /// Performs an operation, with all that belongs to an answer.
    async fn handle(&self, request: Request, operation: &'static Operation, started: Instant) -> Response {
        let request_id = self.ids.id_of(&request, &self.trusted_proxies);
        let id = operation.id;
        // As loud as can be, so that it is there for every line that is.
        let span = tracing::error_span!(target: REQUEST_SPAN, "request", request_id, operation = id);
        if let Some(tracer) = &self.tracer {
            trace::begin(tracer.as_ref(), &span, &request, &self.trusted_proxies);
        }
        let (mut request, body) = request.split();
        let readers = self.cors.readers_of(&request, operation);
        let method = request.method().clone();
        request.set_data(RequestId(request_id.clone()));
        if method == Method::HEAD {
            request.set_data(HeadersOnly);
        }
        let outcome = if let Some(response) = readers.preflight(&request, operation) {
            Ok(response)
        } else {
            // A panic anywhere from here on becomes an answer.
            let answer = AssertUnwindSafe(self.answer(&request, body, operation)).catch_unwind();
            answer.instrument(span.clone()).await.unwrap_or(Err(ApiError::Panicked))
        };
        let (mut response, logged) = match outcome {
            Ok(response) => (response, None),
            Err(error) => self.answer_error(&error, &request, operation, &request_id, &span),
        };
        self.finish(&mut response, readers, &request_id);
        if method == Method::HEAD {
            keep_headers_only(&mut response).await;
        }
        let status = response.status().as_u16();
        if let Some(tracer) = &self.tracer {
            tracer.end(&span, status);
        }
        let duration = started.elapsed();
        self.observer.answered(operation.observed(), status, duration);
        let (error, verdict) = logged.unzip();
        let request_id = request_id.as_str();
        Access { method: &method, operation, status, request_id, error, duration }
            .write(verdict.unwrap_or_else(|| self.access.judge(operation, status)));
        response
    }

    async fn answer(
        &self,
        request: &Request,
        body: RequestBody,
        operation: &'static Operation,
    ) -> Result<Response, ApiError> {
        self.limits.admit(operation.rate, request)?;
        let cookies = self.operations.as_ref().and_then(|all| all.app.flows.settings().cookie_address());
        let context = RequestContext::parse(request, operation.accepts, &operation.path, cookies);
        context.parameters.check()?;
        // In boxes: what is wrapped is moved, and some of these are large.
        let answer = match (operation.handler, &self.operations) {
            (Some(_), Some(_)) if !operation.path.is_complete(request.uri().path()) => {
                return Err(ApiError::NotFound);
            }
            (Some(_), Some(_)) if !operation.allows(request.method()) => {
                return Err(ApiError::MethodNotAllowed { allow: allowed_methods(request.uri().path()) });
            }
            (Some(handle), Some(operations)) => handle(&operations.app, context, body),
            _ => Box::pin(self.show_page(request)),
        };
        with_time_budget(answer).await
    }

    async fn show_page(&self, request: &Request) -> Result<Response, ApiError> {
        // The router of pages would answer HEAD as well, and forget how long the body was.
        let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let page = Request::builder().method(method.clone()).uri(request.uri().clone()).finish();
        match self.pages.call(page).await {
            Ok(response) => Ok(response.into_response()),
            Err(error) => Err(ApiError::from_poem(error)),
        }
    }

    /// The answer to an error, which is logged here and only here; with what the line of the request says of it.
    fn answer_error(
        &self,
        error: &ApiError,
        request: &Request,
        operation: &'static Operation,
        request_id: &str,
        span: &Span,
    ) -> (Response, Option<(&'static str, Verdict)>) {
        let answer = ErrorResponse::of(error);
        let verdict = self.access.judge(operation, answer.status.as_u16());
        span.in_scope(|| log_error(error, &answer, verdict));
        if let Some(by) = answer.limited_by {
            self.observer.rate_limited(operation.id, by);
        }
        (render(&answer, request, operation.errors, request_id), Some((answer.code, verdict)))
    }

    /// Gives an answer the headers that every answer has.
    fn finish(&self, response: &mut Response, readers: Readers, request_id: &str) {
        // Copied whole and then replaced by the answer's own, which is quicker than to look for each whether it is there.
        let own = std::mem::replace(response.headers_mut(), self.default_headers.clone());
        let headers = response.headers_mut();
        headers.extend(own);
        readers.add_headers(headers);
        add_request_id(headers, request_id);
    }
}

impl Endpoint for Middleware {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        self.arrivals.note(&request, &self.trusted_proxies);
        let operation = Operation::find(request.method(), request.uri().path());
        if let Some(response) = self.answer_immediately(&request, operation, started) {
            return Ok(response);
        }
        // In a box, so that what is answered at once need not move the room for everything that may happen here.
        Ok(Box::pin(self.handle(request, operation, started)).await)
    }
}

fn add_request_id(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// The details of an error go to the log. What a client has done wrong is logged as long as the line of its request is.
fn log_error(error: &ApiError, answer: &ErrorResponse, verdict: Verdict) {
    let code = answer.code;
    match answer.level {
        Level::ERROR => tracing::error!(code, problem = %error, "a request failed"),
        Level::WARN => tracing::warn!(code, problem = %error, "a request failed"),
        _ if verdict == Verdict::LeftOut => {}
        Level::INFO => tracing::info!(code, problem = %error, "a request was refused"),
        _ => tracing::debug!(code, problem = %error, "a request was refused"),
    }
}

/// An answer to HEAD has the headers of the answer to GET, its length among them, and no body (RFC 9110 section 9.3.2).
async fn keep_headers_only(response: &mut Response) {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
}

#[cfg(test)]
mod tests;
