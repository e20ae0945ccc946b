//! The HTTP surface.
//!
//! **Owns** the endpoints, the pages, the OpenAPI document, cookies, CORS, security headers, and the one place where
//! an error becomes an answer (`error`). **Does not own** any decision: an endpoint reads its parameters, calls one
//! flow and wraps what comes back.
//!
//! To add an endpoint: a method in one of the files of `endpoints/`, named `<verb>_<resource>` (the name is its operation id,
//! and changing it breaks clients), with its handler beside it and the statuses of its errors as an `error::Statuses`; its answers in
//! `responses.rs` below it; and its row in `operations.rs`. Then `make openapi`, and read the difference.

mod app;
mod arrivals;
mod authn;
mod client_address;
mod cookie;
mod documentation;
mod endpoints;
mod entity_tag;
mod error;
mod form;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod immediate;
mod json_body;
mod members;
mod middleware;
mod observer;
mod operations;
mod pages;
mod paging;
mod parameters;
mod path_pattern;
mod redirect;
mod request_context;
mod responses;
mod run_to_completion;
mod settings;
mod shutdown;
mod whose;

use std::fmt;
use std::sync::Arc;

use poem::endpoint::{BoxEndpoint, make_sync};
use poem::error::InternalServerError;
use poem::{Endpoint, EndpointExt, IntoResponse, Response, Route};
use vestibule_domain::SecureRandom;
use vestibule_flows::Flows;

pub use arrivals::{ARRIVAL_HEADER, Arrivals};
pub use client_address::TrustedProxies;
pub use documentation::openapi_yaml;
pub use middleware::REQUEST_SPAN;
pub use middleware::access_log::AccessLog;
pub use middleware::listener_refusals::Refusals;
pub use middleware::rate_limit::{AddressRates, is_nearby};
pub use middleware::trace::RequestTracer;
pub use observer::{ObservedOperation, RequestObserver};
pub use operations::is_probe;
pub use settings::HttpSettings;
pub use shutdown::Shutdown;

use app::App;
use endpoints::permissions::response_cache::ResponseCache;
use middleware::Middleware;

/// The type of the text that Prometheus reads.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The public endpoint: all paths, with headers, errors and logs. Tells the observer of every request.
pub fn endpoint(
    flows: Arc<Flows>,
    settings: HttpSettings,
    observer: Arc<dyn RequestObserver>,
    randomness: Arc<dyn SecureRandom>,
) -> impl Endpoint<Output = Response> + 'static {
    let responses = ResponseCache::new(flows.settings().permission_token_reuse);
    let (trusted_proxies, shutdown) = (settings.trusted_proxies.clone(), settings.shutdown.clone());
    let titles = flows.list_provider_titles();
    let app = Arc::new(App { flows, trusted_proxies, shutdown, responses });
    let pages = pages::add_routes(Route::new(), &titles, settings.demo_services.as_deref());
    Middleware::new(app, settings, observer, randomness, documentation::add_routes(pages).boxed())
}

/// The endpoint of `ADMIN_LISTEN`: `/metrics` in the Prometheus text format, as `encode` writes it, and below `/arrivals` how an
/// announced request came to the service.
pub fn admin_endpoint(
    encode: impl Fn() -> Result<String, fmt::Error> + Send + Sync + 'static,
    arrivals: Arrivals,
    randomness: Arc<dyn SecureRandom>,
) -> BoxEndpoint<'static> {
    let metrics = move |_| encode().map(|text| text.with_content_type(METRICS)).map_err(InternalServerError);
    let route = Route::new().at("/metrics", poem::get(make_sync(metrics)));
    arrivals::add_routes(route, arrivals, randomness).boxed()
}
