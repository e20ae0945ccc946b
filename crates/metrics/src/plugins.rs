//! What is counted about plugins. Labels have few values: aliases come from the settings, everything else from fixed sets.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::{Histograms, histogram};

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

/// What is true of one instance of a plugin at the moment.
#[derive(Debug, Clone)]
pub struct PluginReading {
    /// The name that the settings give it.
    pub alias: String,
    /// The plugin's own name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// Of its file, in hexadecimal.
    pub sha256: String,
    /// The version of the interface that it needs, as `1.0`.
    pub abi: String,
    /// Where its calls run.
    pub isolation: &'static str,
    /// Calls under way.
    pub inflight: usize,
    /// Threads that hang.
    pub stuck_threads: usize,
    /// 0 closed, 1 half open, 2 open.
    pub breaker_state: u8,
}

/// The counters of the plugins. Cheap to clone; all clones count into the same place.
#[derive(Clone)]
pub struct PluginMetrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Histograms<AliasLabels>,
    queue_wait_seconds: Histograms<AliasLabels>,
    panics: Family<AliasLabels, Counter>,
    restarts: Family<AliasLabels, Counter>,
    cache: Family<CacheLabels, Counter>,
    patch_rejected: Family<PatchLabels, Counter>,
    readings: Arc<Readings>,
}

impl PluginMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self {
            calls: Family::default(),
            call_seconds: Histograms::new_with_constructor(histogram),
            queue_wait_seconds: Histograms::new_with_constructor(histogram),
            panics: Family::default(),
            restarts: Family::default(),
            cache: Family::default(),
            patch_rejected: Family::default(),
            readings: Arc::default(),
        };
        let calls = "Calls of plugins by alias, operation and outcome";
        registry.register("plugin_calls", calls, new.calls.clone());
        let seconds = "Time of a plugin call with its wait, by alias";
        registry.register_with_unit("plugin_call", seconds, Unit::Seconds, new.call_seconds.clone());
        let wait = "Time that calls of a plugin waited for a thread, by alias";
        registry.register_with_unit("plugin_queue_wait", wait, Unit::Seconds, new.queue_wait_seconds.clone());
        registry.register("plugin_panics", "Panics of plugins, by alias", new.panics.clone());
        let restarts = "How often the process of a plugin was started again, by alias";
        registry.register("plugin_restarts", restarts, new.restarts.clone());
        let cache = "What was known when permissions were asked for, by alias and result";
        registry.register("plugin_cache", cache, new.cache.clone());
        let rejected = "Changes of users that an extension may not make, by alias and field";
        registry.register("plugin_patch_rejected", rejected, new.patch_rejected.clone());
        registry.register_collector(Box::new(Arc::clone(&new.readings)));
        new
    }

    /// Counts a finished call.
    pub fn count_call(
        &self,
        alias: &str,
        operation: &'static str,
        outcome: &'static str,
        duration: Duration,
    ) {
        self.calls.get_or_create(&CallLabels { alias: alias.to_owned(), operation, outcome }).inc();
        self.call_seconds.get_or_create(&labels(alias)).observe(duration.as_secs_f64());
    }

    /// Counts a panic.
    pub fn count_panic(&self, alias: &str) {
        self.panics.get_or_create(&labels(alias)).inc();
    }

    /// Notes how long a call waited for a thread.
    pub fn note_wait(&self, alias: &str, duration: Duration) {
        self.queue_wait_seconds.get_or_create(&labels(alias)).observe(duration.as_secs_f64());
    }

    /// Counts that a plugin's process was started again.
    pub fn count_restart(&self, alias: &str) {
        self.restarts.get_or_create(&labels(alias)).inc();
    }

    /// Counts a question about permissions by what was known.
    pub fn count_cache(&self, alias: &str, result: &'static str) {
        self.cache.get_or_create(&CacheLabels { alias: alias.to_owned(), result }).inc();
    }

    /// Counts a change that an extension may not make.
    pub fn count_patch_rejected(&self, alias: &str, field: &'static str) {
        self.patch_rejected.get_or_create(&PatchLabels { alias: alias.to_owned(), field }).inc();
    }

    /// Says where to read what is true at the moment of a scrape. Only the first time counts.
    pub fn watch(&self, read: impl Fn() -> Vec<PluginReading> + Send + Sync + 'static) {
        self.readings.0.get_or_init(|| Box::new(read));
    }
}

fn labels(alias: &str) -> AliasLabels {
    AliasLabels { alias: alias.to_owned() }
}

type Read = Box<dyn Fn() -> Vec<PluginReading> + Send + Sync>;

/// What is read when somebody looks.
#[derive(Default)]
struct Readings(OnceLock<Read>);

impl fmt::Debug for Readings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Readings(..)")
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let readings = self.0.get().map(|read| read()).unwrap_or_default();
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let mut gauge = |name, help, value: &dyn Fn(&PluginReading) -> i64| {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            readings.iter().try_for_each(|reading| {
                metric.encode_family(&labels(&reading.alias))?.encode_gauge(&value(reading))
            })
        };
        gauge("plugin_inflight", "Calls of a plugin under way, by alias", &|reading| {
            number(reading.inflight)
        })?;
        let stuck = "Threads of a plugin that hang, by alias";
        gauge("plugin_stuck_threads", stuck, &|reading| number(reading.stuck_threads))?;
        let breaker = "Whether a plugin is asked: 0 yes, 1 one call at a time, 2 no; by alias";
        gauge("plugin_breaker_state", breaker, &|reading| reading.breaker_state.into())?;
        let mut info = encoder.encode_descriptor("plugin", "The plugins that run", None, MetricType::Info)?;
        readings.iter().try_for_each(|reading| info.encode_info(&info_labels(reading)))
    }
}

fn info_labels(reading: &PluginReading) -> [(&str, &str); 6] {
    [
        ("alias", &reading.alias),
        ("name", &reading.name),
        ("version", &reading.version),
        ("sha256", &reading.sha256),
        ("abi", &reading.abi),
        ("isolation", reading.isolation),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(alias: &str) -> PluginReading {
        PluginReading {
            alias: alias.into(),
            name: "acl".into(),
            version: "1.0.0".into(),
            sha256: "9f2c".into(),
            abi: "1.0".into(),
            isolation: "thread",
            inflight: 3,
            stuck_threads: 1,
            breaker_state: 2,
        }
    }

    #[test]
    fn everything_is_written_under_its_name() {
        let mut registry = Registry::with_prefix("vestibule");
        let metrics = PluginMetrics::register(&mut registry);
        metrics.count_call("billing", "get_permissions", "ok", Duration::from_millis(3));
        metrics.count_panic("billing");
        metrics.note_wait("billing", Duration::from_micros(10));
        metrics.count_restart("billing");
        metrics.count_cache("billing", "hit");
        metrics.count_patch_rejected("audit", "other");
        metrics.watch(|| vec![reading("billing"), reading("audit")]);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "vestibule_plugin_calls_total{alias=\"billing\",operation=\"get_permissions\",outcome=\"ok\"} 1",
            "vestibule_plugin_call_seconds_count{alias=\"billing\"} 1",
            "vestibule_plugin_queue_wait_seconds_count{alias=\"billing\"} 1",
            "vestibule_plugin_panics_total{alias=\"billing\"} 1",
            "vestibule_plugin_restarts_total{alias=\"billing\"} 1",
            "vestibule_plugin_cache_total{alias=\"billing\",result=\"hit\"} 1",
            "vestibule_plugin_patch_rejected_total{alias=\"audit\",field=\"other\"} 1",
            "# TYPE vestibule_plugin_inflight gauge",
            "vestibule_plugin_inflight{alias=\"billing\"} 3",
            "vestibule_plugin_inflight{alias=\"audit\"} 3",
            "vestibule_plugin_stuck_threads{alias=\"billing\"} 1",
            "vestibule_plugin_breaker_state{alias=\"audit\"} 2",
            "vestibule_plugin_info{alias=\"audit\",name=\"acl\",version=\"1.0.0\",sha256=\"9f2c\",abi=\"1.0\",isolation=\"thread\"} 1",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
    }
}
