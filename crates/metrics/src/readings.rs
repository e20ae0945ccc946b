//! What is read at the moment of a scrape.

mod keys;
mod plugins;
mod pools;
mod runtime;

use std::fmt::{self, Debug};
use std::sync::{Arc, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tokio::runtime::Handle;
use vestibule_domain::Clock;
use vestibule_plugin_host::PluginHost;
use vestibule_storage::Storage;
use vestibule_tokens::TokenService;

use crate::{Metrics, PREFIX};

impl Metrics {
    /// Reads the plugins, for as long as the service has them.
    pub fn watch_plugins(&self, plugins: &Arc<PluginHost>) {
        let plugins = Arc::downgrade(plugins);
        self.read_at_scrape(move |encoder| {
            plugins
                .upgrade()
                .map_or(Ok(()), |plugins| plugins::encode(encoder, &plugins.list(), &plugins.gauges()))
        });
    }

    /// Reads the connections to the database.
    pub fn watch_database(&self, storage: &Storage) {
        let storage = storage.clone();
        self.read_at_scrape(move |encoder| pools::encode(encoder, &storage.pools()));
    }

    /// Reads the signing keys.
    pub fn watch_keys(&self, tokens: &Arc<TokenService>, clock: &Arc<dyn Clock>) {
        let (tokens, clock) = (Arc::clone(tokens), Arc::clone(clock));
        self.read_at_scrape(move |encoder| keys::encode(encoder, &tokens.describe_keys(), clock.now()));
    }

    /// Reads the threads that run tasks.
    pub fn watch_runtime(&self, runtime: Handle) {
        self.read_at_scrape(move |encoder| runtime::encode(encoder, &runtime.metrics()));
    }

    /// Reads how many spans of traces there were, by outcome.
    pub fn watch_spans(&self, read: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static) {
        self.read_at_scrape(move |encoder| {
            let spans = read().into_iter().map(|(outcome, count)| ([("outcome", outcome)], count));
            counters(encoder, "trace_spans", "Spans of traces, by whether the collector took them", spans)
        });
    }

    /// Reads how many lines of the log were not written: which lines, why, how many.
    pub fn watch_lost_lines(
        &self,
        read: impl Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync + 'static,
    ) {
        let help = "Lines of the log that were not written, by which they are and why";
        self.read_at_scrape(move |encoder| {
            let lost = read().into_iter();
            let lost = lost.map(|(lines, reason, count)| ([("lines", lines), ("reason", reason)], count));
            counters(encoder, "log_lines_lost", help, lost)
        });
    }

    fn read_at_scrape<F>(&self, encode: F)
    where
        F: Fn(&mut DescriptorEncoder<'_>) -> fmt::Result + Send + Sync + 'static,
    {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(Reading(encode)));
    }
}

/// Writes metrics from what is true at the moment.
struct Reading<F>(F);

impl<F> Debug for Reading<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reading(..)")
    }
}

impl<F> Collector for Reading<F>
where
    F: Fn(&mut DescriptorEncoder<'_>) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut encoder)
    }
}

fn counters<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    values.into_iter().try_for_each(|(labels, count)| {
        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(&count, None)
    })
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, impl EncodeGaugeValue)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    values.into_iter().try_for_each(|(labels, value)| metric.encode_family(&labels)?.encode_gauge(&value))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
