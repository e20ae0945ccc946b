//! What is counted of connections.

use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone)]
pub(super) struct ConnectionMetrics {
    open: Gauge<i64, AtomicI64>,
    refused: Family<ReasonLabels, Counter>,
}

impl ConnectionMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (open, refused) = (Gauge::default(), Family::default());
        registry.register("http_connections", "Connections that are open", open.clone());
        let help = "Connections that were refused or cut, by reason";
        registry.register("http_connections_refused", help, refused.clone());
        Self { open, refused }
    }

    pub(super) fn set_open(&self, count: usize) {
        self.open.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn count_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }
}
