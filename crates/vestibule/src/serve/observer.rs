//! Calls of plugins, counted.

use std::time::Duration;

use vestibule_http::Metrics;
use vestibule_plugin_host::{CallObserver, Operation, Outcome};

/// Passes what the plugin host observes to the metrics.
pub(crate) struct PluginObserver(Metrics);

impl PluginObserver {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }
}

impl CallObserver for PluginObserver {
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, duration: Duration) {
        self.0.count_plugin_call(alias, operation.as_str(), outcome.as_str(), duration);
    }
}
