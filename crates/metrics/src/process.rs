//! What the kernel says of this process, under the names by which every process is known to Prometheus.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use vestibule_domain::Timestamp;

/// Reads `/proc/self` when somebody looks. A value that cannot be read is left out.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) started: Timestamp,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |field| number_behind(&status, field).map(|kibibytes| kibibytes * 1024.0);
        let mut gauge = |name, help, unit, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
        };
        let unit = Some(&Unit::Bytes);
        gauge("process_resident_memory", "Memory that is in use", unit, bytes("VmRSS:"))?;
        gauge("process_virtual_memory", "Memory that is mapped", unit, bytes("VmSize:"))?;
        gauge("process_threads", "Threads", None, number_behind(&status, "Threads:"))?;
        gauge("process_open_fds", "File descriptors that are open", None, open_files())?;
        gauge("process_max_fds", "File descriptors that may be open", None, most_files())?;
        let started = self.started.since(Timestamp::from_seconds(0)).as_secs_f64();
        gauge("process_start_time", "When the process began", Some(&Unit::Seconds), Some(started))?;
        let Some(seconds) = processor_seconds() else { return Ok(()) };
        let help = "Time that processors have worked for this process";
        let mut counter =
            encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
        counter.encode_counter::<NoLabelSet, f64, f64>(&seconds, None)
    }
}

fn number_behind(text: &str, field: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<f64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    // The folder that is being read is open as well.
    u32::try_from(count.saturating_sub(1)).ok().map(f64::from)
}

/// The limit that counts, which is the soft one.
fn most_files() -> Option<f64> {
    number_behind(&fs::read_to_string("/proc/self/limits").ok()?, "Max open files")
}

/// Fields 14 and 15 of proc(5), counted in hundredths of a second on every Linux.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    ticks.sum::<Result<f64, _>>().ok().map(|ticks| ticks / 100.0)
}
