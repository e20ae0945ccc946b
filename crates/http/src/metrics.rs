//! What the service counts, in the Prometheus text format.

mod plugins;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, IntoResponse, Request, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use plugins::{PluginMetrics, PluginReading};
pub(crate) use requests::RequestCounter;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// From a tenth of a millisecond, which a plugin that only computes does not take, and half of one, about one signature,
/// to the ten seconds that a provider may take.
const SECONDS: [f64; 15] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The counters of one process. Cheap to clone; all clones count into the same place.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histograms<OperationLabels>,
    plugins: PluginMetrics,
}

impl Metrics {
    /// All at zero.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("vestibule");
        let requests = Family::default();
        let request_seconds = Histograms::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("build", "The version that runs", Info::new(vec![("version", version.to_owned())]));
        registry.register("http_requests", "Requests by operation and status", requests.clone());
        registry.register("http_request_seconds", "Time to answer, by operation", request_seconds.clone());
        let plugins = PluginMetrics::register(&mut registry);
        Self { registry: Arc::new(registry), requests, request_seconds, plugins }
    }

    /// Counts an answered request.
    pub(crate) fn count_request(&self, operation: &'static str, status: u16, duration: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, status }).inc();
        self.request_seconds.get_or_create(&OperationLabels { operation }).observe(duration.as_secs_f64());
    }

    /// Those of the plugins.
    pub fn plugins(&self) -> &PluginMetrics {
        &self.plugins
    }
}

impl Endpoint for Metrics {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(poem::error::InternalServerError)?;
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Ok(text.with_content_type(content_type).into_response())
    }
}
