//! What is true at the moment of a scrape, read then.

use std::fmt::{self, Debug};
use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// A pool of connections to the database.
#[derive(Debug, Clone)]
pub struct PoolReading {
    /// Which one.
    pub name: &'static str,
    /// How many connections there may be.
    pub most: usize,
    /// How many are open and idle.
    pub idle: usize,
    /// How many work for somebody.
    pub in_use: usize,
    /// How many operations wait for one.
    pub waiting: usize,
}

/// The signing keys.
#[derive(Debug, Clone, Default)]
pub struct KeysReading {
    /// How many there are in each state, by its name.
    pub counts: Vec<(&'static str, usize)>,
    /// How long ago the signing key became active, if that is known.
    pub signing_age: Option<Duration>,
    /// When the next one will take over, if there is one.
    pub next_in: Option<Duration>,
}

/// What runs the tasks.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeReading {
    /// Threads that run tasks.
    pub workers: usize,
    /// Tasks that are not finished.
    pub tasks: usize,
    /// Tasks that wait for any of the threads.
    pub queued: usize,
    /// How long the threads have worked, together.
    pub busy: Duration,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct ServiceReading {
    /// The connections to the database.
    pub pools: Vec<PoolReading>,
    /// The signing keys.
    pub keys: KeysReading,
    /// What runs the tasks.
    pub runtime: Option<RuntimeReading>,
    /// Spans by what became of them, if they are exported.
    pub spans: Vec<(&'static str, u64)>,
    /// Lines of the log that were not written: which, why, how many.
    pub lost_lines: Vec<(&'static str, &'static str, u64)>,
}

type Read = Box<dyn Fn() -> ServiceReading + Send + Sync>;

/// What is read when somebody looks.
#[derive(Default)]
pub(super) struct Readings(pub(super) OnceLock<Read>);

impl Debug for Readings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Readings(..)")
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(reading) = self.0.get().map(|read| read()) else { return Ok(()) };
        encode_pools(&mut encoder, &reading.pools)?;
        encode_keys(&mut encoder, &reading.keys)?;
        encode_spans(&mut encoder, &reading.spans)?;
        encode_lost_lines(&mut encoder, &reading.lost_lines)?;
        reading.runtime.map_or(Ok(()), |runtime| encode_runtime(&mut encoder, &runtime))
    }
}

fn encode_pools(encoder: &mut DescriptorEncoder<'_>, pools: &[PoolReading]) -> fmt::Result {
    let connections = pools.iter().flat_map(|pool| {
        let count = |state, count| ([("pool", pool.name), ("state", state)], number(count));
        [count("in_use", pool.in_use), count("idle", pool.idle)]
    });
    let help = "Connections to the database that are open, by pool and state";
    gauges(encoder, "database_connections", help, connections)?;
    let most = pools.iter().map(|pool| ([("pool", pool.name)], number(pool.most)));
    gauges(
        encoder,
        "database_connections_max",
        "Connections to the database that there may be, by pool",
        most,
    )?;
    let waiting = pools.iter().map(|pool| ([("pool", pool.name)], number(pool.waiting)));
    gauges(
        encoder,
        "database_waiting",
        "Operations that wait for a connection to the database, by pool",
        waiting,
    )
}

fn encode_keys(encoder: &mut DescriptorEncoder<'_>, keys: &KeysReading) -> fmt::Result {
    let counts = keys.counts.iter().map(|(state, count)| ([("state", *state)], number(*count)));
    gauges(encoder, "keys", "Keys by what they do: signing, next, verifying, retired", counts)?;
    let mut seconds = |name, help, value: Option<Duration>| {
        let Some(value) = value else { return Ok(()) };
        let mut gauge = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        gauge.encode_gauge(&value.as_secs_f64())
    };
    seconds("signing_key_age", "How long ago the key that signs became active", keys.signing_age)?;
    seconds("next_key_activation", "In how long the next key will sign; absent without one", keys.next_in)
}

fn encode_runtime(encoder: &mut DescriptorEncoder<'_>, runtime: &RuntimeReading) -> fmt::Result {
    let mut gauge = |name, help, value| {
        encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&number(value))
    };
    gauge("runtime_workers", "Threads that run tasks", runtime.workers)?;
    gauge("runtime_tasks", "Tasks that are not finished", runtime.tasks)?;
    gauge("runtime_queued_tasks", "Tasks that wait for any of the threads", runtime.queued)?;
    let help = "How long the threads that run tasks have worked, together";
    let mut busy =
        encoder.encode_descriptor("runtime_busy", help, Some(&Unit::Seconds), MetricType::Counter)?;
    busy.encode_counter::<NoLabelSet, f64, f64>(&runtime.busy.as_secs_f64(), None)
}

fn encode_spans(encoder: &mut DescriptorEncoder<'_>, spans: &[(&'static str, u64)]) -> fmt::Result {
    if spans.is_empty() {
        return Ok(());
    }
    let help = "Spans of traces, by whether the collector took them";
    let mut metric = encoder.encode_descriptor("trace_spans", help, None, MetricType::Counter)?;
    spans.iter().try_for_each(|(outcome, count)| {
        metric.encode_family(&[("outcome", *outcome)])?.encode_counter::<NoLabelSet, u64, f64>(count, None)
    })
}

fn encode_lost_lines(
    encoder: &mut DescriptorEncoder<'_>,
    lost: &[(&'static str, &'static str, u64)],
) -> fmt::Result {
    let help = "Lines of the log that were not written, by which they are and why";
    let mut metric = encoder.encode_descriptor("log_lines_lost", help, None, MetricType::Counter)?;
    lost.iter().try_for_each(|(lines, reason, count)| {
        let labels = [("lines", *lines), ("reason", *reason)];
        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(count, None)
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
