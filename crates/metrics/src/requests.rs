//! Requests of clients.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vestibule_http::{ObservedOperation, RequestObserver};

use crate::families::{Counters, Histograms, counters, histograms};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// How many operations have counters by index. All others are found by their labels.
const INDEXED: usize = 64;

/// Requests by operation.
pub struct RequestMetrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Histograms<OperationLabels>,
    rate_limited: Counters<2>,
    /// The counters of answers of 200, by the index of the operation. Found without a look at any label.
    successes: [OnceLock<RequestCounter>; INDEXED],
}

/// Counts requests of one operation that end alike.
struct RequestCounter {
    requests: Counter,
    seconds: Histogram,
}

impl RequestMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let requests = counters(registry, "http_requests", "Requests by operation and status");
        let seconds = histograms(registry, "http_request", "Time to answer, by operation");
        let help = "Requests that were refused because there were too many, by operation and whose they were";
        let rate_limited = counters(registry, "rate_limited", help);
        Self { requests, seconds, rate_limited, successes: [const { OnceLock::new() }; INDEXED] }
    }

    fn counter_of(&self, operation: &'static str, status: u16) -> RequestCounter {
        RequestCounter {
            requests: self.requests.get_or_create(&RequestLabels { operation, status }).clone(),
            seconds: self.seconds.get_or_create(&OperationLabels { operation }).clone(),
        }
    }
}

impl RequestCounter {
    fn count(&self, duration: Duration) {
        self.requests.inc();
        self.seconds.observe(duration.as_secs_f64());
    }
}

impl RequestObserver for RequestMetrics {
    fn answered(&self, operation: ObservedOperation, status: u16, duration: Duration) {
        let ObservedOperation { id, index } = operation;
        match self.successes.get(index).filter(|_| status == 200) {
            Some(slot) => slot.get_or_init(|| self.counter_of(id, status)).count(duration),
            None => self.counter_of(id, status).count(duration),
        }
    }

    fn rate_limited(&self, operation: &'static str, by: &'static str) {
        self.rate_limited.get_or_create(&[("operation", operation.into()), ("by", by.into())]).inc();
    }
}
