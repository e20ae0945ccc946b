//! What is counted of requests.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::{Metrics, OperationLabels, RequestLabels};

/// Counts requests of one operation that end alike, without looking for the place where they are counted.
pub(crate) struct RequestCounter {
    requests: Counter,
    seconds: Histogram,
}

impl RequestCounter {
    pub(crate) fn count(&self, duration: Duration) {
        self.requests.inc();
        self.seconds.observe(duration.as_secs_f64());
    }
}

impl Metrics {
    /// The counter of an operation's answers of a status. From now on it is among the metrics.
    pub(crate) fn counter_of(&self, operation: &'static str, status: u16) -> RequestCounter {
        RequestCounter {
            requests: self.requests.get_or_create(&RequestLabels { operation, status }).clone(),
            seconds: self.request_seconds.get_or_create(&OperationLabels { operation }).clone(),
        }
    }
}
