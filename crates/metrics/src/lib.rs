//! What the service counts, in the `OpenMetrics` text format that Prometheus reads.
//!
//! To add a metric, give it a name in base units and a place in `service` when it is counted, in `readings` when it is
//! read at the moment of a scrape; its labels have few values, which nobody outside can choose.

mod connections;
mod plugins;
mod process;
mod readings;
mod requests;
mod service;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use poem::{Endpoint, IntoResponse, Request, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use vestibule_domain::Timestamp;

use connections::ConnectionMetrics;

pub use plugins::{PluginMetrics, PluginReading};
pub use readings::{KeysReading, PoolReading, RuntimeReading, ServiceReading};
use requests::RequestCounter;
pub use service::ServiceMetrics;

use process::Process;
use readings::Readings;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// From a tenth of a millisecond, which a check does not take, over a quarter and a half of one, which tell whether a
/// signature was made, to the ten seconds that a provider may take.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// How many operations have counters by index. All others are found by their labels.
const INDEXED: usize = 64;

/// The counters of one process. Cheap to clone; all clones count into the same place.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histograms<OperationLabels>,
    /// Those of 200, by the index of the operation.
    successes: Arc<[OnceLock<RequestCounter>; INDEXED]>,
    plugins: PluginMetrics,
    service: ServiceMetrics,
    readings: Arc<Readings>,
    connections: ConnectionMetrics,
}

impl Metrics {
    /// All at zero, in a process that began at this moment.
    pub fn new(version: &str, started: Timestamp) -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(Process { started }));
        let registry = root.sub_registry_with_prefix("vestibule");
        let requests = Family::default();
        let request_seconds = Histograms::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("build", "The version that runs", Info::new(vec![("version", version.to_owned())]));
        registry.register("http_requests", "Requests by operation and status", requests.clone());
        let seconds = "Time to answer, by operation";
        registry.register_with_unit("http_request", seconds, Unit::Seconds, request_seconds.clone());
        let plugins = PluginMetrics::register(registry);
        let connections = ConnectionMetrics::register(registry);
        let service = ServiceMetrics::register(registry);
        let readings = Arc::<Readings>::default();
        registry.register_collector(Box::new(Arc::clone(&readings)));
        Self {
            registry: Arc::new(root),
            requests,
            request_seconds,
            successes: Arc::new([const { OnceLock::new() }; INDEXED]),
            plugins,
            service,
            readings,
            connections,
        }
    }

    /// Counts an answered request. `index` is the place of the operation in the table of operations: where most requests are counted,
    /// the counter is found by it and not by its labels.
    pub(crate) fn count_request(
        &self,
        index: usize,
        operation: &'static str,
        status: u16,
        duration: Duration,
    ) {
        if let Some(slot) = self.successes.get(index).filter(|_| status == 200) {
            return slot.get_or_init(|| self.counter_of(operation, status)).count(duration);
        }
        self.requests.get_or_create(&RequestLabels { operation, status }).inc();
        self.request_seconds.get_or_create(&OperationLabels { operation }).observe(duration.as_secs_f64());
    }

    /// Those of people, tokens, providers and the database.
    pub fn service(&self) -> &ServiceMetrics {
        &self.service
    }

    /// Says where to read what is true at the moment of a scrape. Only the first time counts.
    pub fn watch(&self, read: impl Fn() -> ServiceReading + Send + Sync + 'static) {
        self.readings.0.get_or_init(|| Box::new(read));
    }

    /// So many connections are open now.
    pub fn set_open_connections(&self, count: usize) {
        self.connections.set_open(count);
    }

    /// Counts a connection that was refused or cut. The reasons are a handful.
    pub fn count_refused_connection(&self, reason: &'static str) {
        self.connections.count_refused(reason);
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
