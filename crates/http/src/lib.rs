//! The HTTP surface.
//!
//! **Owns** the endpoints, the pages, the OpenAPI document, cookies, CORS, security headers, and the one place where
//! an error becomes an answer (`problem`). **Does not own** any decision: an endpoint reads its parameters, calls one
//! flow and wraps what comes back.
//!
//! To add an endpoint: a method in one of the files of `api/`, named `<verb>_<resource>` (the name is its operation id,
//! and changing it breaks clients), its answers in `answers.rs`, and the statuses of its failures as a
//! `failure::Statuses`. Then `make openapi`, and read the difference.

mod answers;
mod api;
mod client_address;
mod completion;
mod cookie;
mod cors;
mod credential;
mod documentation;
mod edge;
mod failure;
mod form;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod metrics;
mod pages;
mod problem;
mod redirect;
mod repeated;
mod stopping;
mod success;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route};
use vestibule_domain::{Randomness, ServiceName};
use vestibule_flows::Flows;

pub use client_address::TrustedProxies;
pub use documentation::openapi_yaml;
pub use edge::{AccessLog, REQUEST_SPAN, Refusals, RequestTracer};
pub use limits::{AddressRates, is_nearby};
pub use metrics::{
    KeysReading, Metrics, PluginMetrics, PluginReading, PoolReading, RuntimeReading, ServiceMetrics,
    ServiceReading,
};
pub use stopping::Stopping;

use edge::Edge;

/// What the operator decided about the HTTP surface.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How often one address may ask for what costs something.
    pub address_rates: AddressRates,
    /// With these the page at `/` is the demonstration, which offers these services; without, the plain page.
    pub demo_services: Option<Vec<ServiceName>>,
    /// Whoever exports the spans of requests.
    pub tracer: Option<Arc<dyn RequestTracer>>,
    /// Which lines of requests are written.
    pub access_log: AccessLog,
    /// Whether the service is about to end.
    pub stopping: Stopping,
}

/// Everything that a request may need.
pub(crate) struct App {
    pub(crate) flows: Arc<Flows>,
    pub(crate) settings: HttpSettings,
}

/// The public endpoint: all paths, with headers, errors, logs and metrics.
pub fn endpoint(
    flows: Arc<Flows>,
    settings: HttpSettings,
    metrics: Metrics,
    randomness: Arc<dyn Randomness>,
) -> impl Endpoint<Output = Response> + 'static {
    let app = Arc::new(App { flows, settings });
    let edge = Edge::new(&app, metrics, randomness);
    let api = Arc::new(api::document().into_endpoint());
    let routes = Route::new()
        .nest_no_strip("/auth", Arc::clone(&api))
        .nest_no_strip("/.well-known", Arc::clone(&api))
        .at("/healthz", Arc::clone(&api))
        .at("/readyz", api);
    let routes = documentation::add_routes(pages::add_routes(routes, &app));
    edge.around(routes.data(app).boxed())
}

/// The endpoint of `ADMIN_LISTEN`: `/metrics` in the Prometheus text format.
pub fn admin_endpoint(metrics: Metrics) -> BoxEndpoint<'static> {
    Route::new().at("/metrics", poem::get(metrics)).boxed()
}
