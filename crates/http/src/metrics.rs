//! What the service counts, in the Prometheus text format.

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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    alias: String,
    operation: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AliasLabels {
    alias: String,
}

/// From half a millisecond, about one signature, to the ten seconds that a provider may take.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

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
    plugin_calls: Family<CallLabels, Counter>,
    plugin_seconds: Histograms<AliasLabels>,
}

impl Metrics {
    /// All at zero.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("vestibule");
        let requests = Family::default();
        let request_seconds = Histograms::new_with_constructor(histogram as fn() -> Histogram);
        let plugin_calls = Family::default();
        let plugin_seconds = Histograms::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("build", "The version that runs", Info::new(vec![("version", version.to_owned())]));
        registry.register("http_requests", "Requests by operation and status", requests.clone());
        registry.register("http_request_seconds", "Time to answer, by operation", request_seconds.clone());
        registry.register(
            "plugin_calls",
            "Calls of plugins by alias, operation and outcome",
            plugin_calls.clone(),
        );
        registry.register(
            "plugin_call_seconds",
            "Time of a plugin call with its wait, by alias",
            plugin_seconds.clone(),
        );
        Self { registry: Arc::new(registry), requests, request_seconds, plugin_calls, plugin_seconds }
    }

    /// Counts an answered request.
    pub(crate) fn count_request(&self, operation: &'static str, status: u16, duration: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, status }).inc();
        self.request_seconds.get_or_create(&OperationLabels { operation }).observe(duration.as_secs_f64());
    }

    /// Counts a finished call of a plugin.
    pub fn count_plugin_call(&self, alias: &str, operation: &str, outcome: &str, duration: Duration) {
        let labels = CallLabels { alias: alias.into(), operation: operation.into(), outcome: outcome.into() };
        self.plugin_calls.get_or_create(&labels).inc();
        self.plugin_seconds
            .get_or_create(&AliasLabels { alias: alias.into() })
            .observe(duration.as_secs_f64());
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
