//! Calls of plugins. Labels have few values: aliases come from the settings, everything else from fixed sets.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use vestibule_plugin_host::{CacheResult, CallObserver, Operation, Outcome, PatchField};

use crate::families::{Histograms, counters, histograms};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AliasLabels {
    alias: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    alias: String,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    alias: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PatchLabels {
    alias: String,
    field: &'static str,
}

/// Calls of plugins.
pub struct PluginMetrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Histograms<AliasLabels>,
    queue_wait_seconds: Histograms<AliasLabels>,
    panics: Family<AliasLabels, Counter>,
    restarts: Family<AliasLabels, Counter>,
    cache: Family<CacheLabels, Counter>,
    patch_rejected: Family<PatchLabels, Counter>,
}

impl PluginMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let seconds = "Time of a plugin call with its wait, by alias";
        let wait = "Time that calls of a plugin waited for a thread, by alias";
        let restarts = "How often the process of a plugin was started again, by alias";
        let cache = "What was known when permissions were asked for, by alias and result";
        let rejected = "Changes of users that an extension may not make, by alias and field";
        Self {
            calls: counters(registry, "plugin_calls", "Calls of plugins by alias, operation and outcome"),
            call_seconds: histograms(registry, "plugin_call", seconds),
            queue_wait_seconds: histograms(registry, "plugin_queue_wait", wait),
            panics: counters(registry, "plugin_panics", "Panics of plugins, by alias"),
            restarts: counters(registry, "plugin_restarts", restarts),
            cache: counters(registry, "plugin_cache", cache),
            patch_rejected: counters(registry, "plugin_patch_rejected", rejected),
        }
    }
}

fn labels(alias: &str) -> AliasLabels {
    AliasLabels { alias: alias.to_owned() }
}

impl CallObserver for PluginMetrics {
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, duration: Duration) {
        let (operation, label) = (operation.as_str(), outcome.as_str());
        self.calls.get_or_create(&CallLabels { alias: alias.to_owned(), operation, outcome: label }).inc();
        self.call_seconds.get_or_create(&labels(alias)).observe(duration.as_secs_f64());
        if outcome == Outcome::Panic {
            self.panics.get_or_create(&labels(alias)).inc();
        }
    }

    fn waited(&self, alias: &str, duration: Duration) {
        self.queue_wait_seconds.get_or_create(&labels(alias)).observe(duration.as_secs_f64());
    }

    fn cache(&self, alias: &str, result: CacheResult) {
        self.cache.get_or_create(&CacheLabels { alias: alias.to_owned(), result: result.as_str() }).inc();
    }

    fn patch_rejected(&self, alias: &str, field: PatchField) {
        self.patch_rejected
            .get_or_create(&PatchLabels { alias: alias.to_owned(), field: field.as_str() })
            .inc();
    }

    fn restarted(&self, alias: &str) {
        self.restarts.get_or_create(&labels(alias)).inc();
    }
}
