//! What the service counts, in the `OpenMetrics` text format that Prometheus reads.
//!
//! **Owns** the name, the help, the labels and the buckets of every metric. Implements the observers of the crates that
//! report what happens, so that none of them knows what a metric is. **Does not own** how metrics are served.
//!
//! To add a metric, give it a name in base units and a place in the file of what reports it; if it is read at the moment of a
//! scrape, in `readings`. Its labels have few values, which no client can choose.

mod connections;
mod database;
mod families;
mod people;
mod plugins;
mod process;
mod readings;
mod requests;
mod upstream;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use vestibule_domain::Timestamp;

pub use connections::ConnectionMetrics;
pub use database::DatabaseMetrics;
pub use people::PeopleMetrics;
pub use plugins::PluginMetrics;
pub use requests::RequestMetrics;
pub use upstream::UpstreamMetrics;

use process::Process;

/// What stands before the name of every metric, but for those of the process.
const PREFIX: &str = "vestibule";

/// The metrics of one process. Cheap to clone; all clones count into the same place. Each field observes a crate.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// Requests, by operation.
    pub requests: Arc<RequestMetrics>,
    /// Calls of plugins.
    pub plugins: Arc<PluginMetrics>,
    /// Connections of clients.
    pub connections: Arc<ConnectionMetrics>,
    /// Sign-ins, sign-outs, authorizations and tokens.
    pub people: Arc<PeopleMetrics>,
    /// Requests to providers.
    pub upstream: Arc<UpstreamMetrics>,
    /// Operations on the database.
    pub database: Arc<DatabaseMetrics>,
}

impl Metrics {
    /// All at zero, in a process that began at this moment.
    pub fn new(version: &str, started: Timestamp) -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(Process { started }));
        let registry = root.sub_registry_with_prefix(PREFIX);
        registry.register("build", "The version that runs", Info::new(vec![("version", version.to_owned())]));
        let requests = Arc::new(RequestMetrics::register(registry));
        let plugins = Arc::new(PluginMetrics::register(registry));
        let connections = Arc::new(ConnectionMetrics::register(registry));
        let people = Arc::new(PeopleMetrics::register(registry));
        let upstream = Arc::new(UpstreamMetrics::register(registry));
        let database = Arc::new(DatabaseMetrics::register(registry));
        let registry = Arc::new(Mutex::new(root));
        Self { registry, requests, plugins, connections, people, upstream, database }
    }

    /// Writes all of them in the text format.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
