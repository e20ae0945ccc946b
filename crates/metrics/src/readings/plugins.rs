//! Counts the calls of plugins.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use vestibule_http::{PluginMetrics, PluginReading};
use vestibule_plugin_host::{
    BreakerState, CacheResult, CallObserver, Operation, Outcome, PatchField, PluginGauges, PluginHost,
    PluginInfo,
};

/// Passes what the plugin host observes to the metrics.
pub(crate) struct PluginObserver(PluginMetrics);

impl PluginObserver {
    pub(crate) fn new(metrics: PluginMetrics) -> Self {
        Self(metrics)
    }
}

/// Makes each scrape read the state of the plugins.
pub(crate) fn watch(metrics: &PluginMetrics, plugins: &Arc<PluginHost>) {
    let plugins = Arc::downgrade(plugins);
    metrics.watch(move || plugins.upgrade().map(|plugins| read(&plugins)).unwrap_or_default());
}

fn read(plugins: &PluginHost) -> Vec<PluginReading> {
    let gauges = plugins.gauges().into_iter().map(|gauges| (gauges.alias.clone(), gauges));
    let gauges: HashMap<_, _> = gauges.collect();
    let infos = plugins.list().into_iter();
    infos.filter_map(|info| gauges.get(&info.alias).map(|gauges| reading(info, gauges))).collect()
}

fn reading(info: PluginInfo, gauges: &PluginGauges) -> PluginReading {
    PluginReading {
        alias: info.alias,
        name: info.name,
        version: info.version,
        sha256: info.sha256,
        abi: format!("{}.{}", info.abi.0, info.abi.1),
        isolation: info.isolation.as_str(),
        inflight: gauges.inflight,
        stuck_threads: gauges.stuck_threads,
        breaker_state: match gauges.breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        },
    }
}

impl CallObserver for PluginObserver {
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, duration: Duration) {
        self.0.count_call(alias, operation.as_str(), outcome.as_str(), duration);
        if outcome == Outcome::Panic {
            self.0.count_panic(alias);
        }
    }

    fn waited(&self, alias: &str, duration: Duration) {
        self.0.note_wait(alias, duration);
    }

    fn cache(&self, alias: &str, result: CacheResult) {
        self.0.count_cache(alias, result.as_str());
    }

    fn patch_rejected(&self, alias: &str, field: PatchField) {
        self.0.count_patch_rejected(alias, field.as_str());
    }

    fn restarted(&self, alias: &str) {
        self.0.count_restart(alias);
    }
}
