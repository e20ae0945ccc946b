//! Connections of clients.

use std::sync::atomic::AtomicI64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vestibule_listener::{CloseReason, Observer};

use crate::families::{Counters, counters};

/// Connections of clients.
pub struct ConnectionMetrics {
    open: Gauge<i64, AtomicI64>,
    closed_early: Counters<1>,
}

impl ConnectionMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let open = Gauge::default();
        registry.register("http_connections", "Connections that are open", open.clone());
        let help = "Connections that were refused or cut, by reason";
        Self { open, closed_early: counters(registry, "http_connections_refused", help) }
    }
}

impl Observer for ConnectionMetrics {
    fn open_connections(&self, count: usize) {
        self.open.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn closed_early(&self, reason: CloseReason) {
        self.closed_early.get_or_create(&[("reason", reason.as_str().into())]).inc();
    }
}
