//! The threads that run tasks.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use tokio::runtime::RuntimeMetrics;

use super::number;

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, runtime: &RuntimeMetrics) -> fmt::Result {
    let workers = runtime.num_workers();
    let mut gauge = |name, help, value| {
        encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&number(value))
    };
    gauge("runtime_workers", "Threads that run tasks", workers)?;
    gauge("runtime_tasks", "Tasks that are not finished", runtime.num_alive_tasks())?;
    gauge("runtime_queued_tasks", "Tasks that wait for any of the threads", runtime.global_queue_depth())?;
    let busy: Duration = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker)).sum();
    let help = "How long the threads that run tasks have worked, together";
    let mut counter =
        encoder.encode_descriptor("runtime_busy", help, Some(&Unit::Seconds), MetricType::Counter)?;
    counter.encode_counter::<NoLabelSet, f64, f64>(&busy.as_secs_f64(), None)
}
