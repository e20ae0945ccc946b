//! The outermost layer: every request enters and every answer leaves through it. Request id, panics, errors, CORS,
//! security headers, one log line, metrics.

mod headers;
mod operation;
mod render;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use tracing::Level;
use vestibule_domain::{AllowedOrigins, Randomness};
use vestibule_flows::Flows;

use crate::cors;
use crate::limits::AddressLimits;
use crate::metrics::Metrics;
use crate::problem::{Fault, Problem};
use crate::repeated::refuse_repeated_parameters;

pub(crate) use operation::allowed_methods;

/// Marks a request that asked for the headers alone. It goes on as GET, whose answer it is about.
#[derive(Clone, Copy)]
pub(crate) struct HeadersOnly;

/// What the layer needs to know.
pub(crate) struct Edge {
    allowed_origins: AllowedOrigins,
    https: bool,
    limits: AddressLimits,
    metrics: Metrics,
    randomness: Arc<dyn Randomness>,
}

impl Edge {
    pub(crate) fn new(
        flows: &Flows,
        limits: AddressLimits,
        metrics: Metrics,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        let settings = flows.settings();
        Self {
            allowed_origins: settings.allowed_origins.clone(),
            https: settings.external_address.origin().is_https(),
            limits,
            metrics,
            randomness,
        }
    }

    /// Gives an answer the headers that every answer has.
    fn finish(&self, response: &mut Response, origin: Option<HeaderValue>, request_id: &str) {
        let headers = response.headers_mut();
        cors::add_headers(headers, origin);
        headers::add_security_headers(headers, self.https);
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", value);
        }
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
    async fn answer(&self, mut request: Request) -> Result<Response, Problem> {
        self.edge.limits.admit(operation::operation_of(request.uri().path()), &request)?;
        refuse_repeated_parameters(&request)?;
        if request.method() == Method::HEAD {
            request.set_data(HeadersOnly);
            // The router would do the same, and forget how long the body was.
            request.set_method(Method::GET);
        }
        match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response.into_response()),
            Ok(Err(error)) => Err(Problem::from_poem(error)),
            Err(_) => Err(Problem::Panicked),
        }
    }
}

impl Endpoint for EdgeEndpoint {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let request_id = hex::encode(self.edge.randomness.bytes::<8>());
        let origin = cors::allowed_origin(&request, &self.edge.allowed_origins);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let form = render::form_for(&request);
        let (mut response, fault) = match cors::preflight(&request, origin.as_ref()) {
            Some(response) => (response, None),
            None => match self.answer(request).await {
                Ok(response) => (response, None),
                Err(problem) => {
                    let fault = Fault::of(&problem);
                    log_problem(&problem, &fault, &request_id);
                    (render::render(&problem, &fault, &path, form, &request_id), Some(fault))
                }
            },
        };
        self.edge.finish(&mut response, origin, &request_id);
        if method == Method::HEAD {
            keep_headers_only(&mut response).await;
        }
        let (operation, status) = (operation::operation_of(&path), response.status().as_u16());
        let duration = started.elapsed();
        self.edge.metrics.count_request(operation, status, duration);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let error = fault.map(|fault| fault.code);
        tracing::info!(target: "vestibule::access", %method, operation, status, request_id, error, micros, "request");
        Ok(response)
    }
}

/// The details of a problem go to the log, here and only here.
fn log_problem(problem: &Problem, fault: &Fault, request_id: &str) {
    let code = fault.code;
    match fault.level {
        Level::ERROR => tracing::error!(request_id, code, %problem, "a request failed"),
        Level::WARN => tracing::warn!(request_id, code, %problem, "a request failed"),
        Level::INFO => tracing::info!(request_id, code, %problem, "a request was refused"),
        _ => tracing::debug!(request_id, code, %problem, "a request was refused"),
    }
}

/// An answer to HEAD has the headers of the answer to GET, its length among them, and no body (RFC 9110 section 9.3.2).
async fn keep_headers_only(response: &mut Response) {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
}

#[cfg(test)]
mod tests;
