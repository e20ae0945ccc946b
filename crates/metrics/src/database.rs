//! Operations on the database.

use std::time::Duration;

use prometheus_client::registry::Registry;
use vestibule_storage::{OperationKind, OperationOutcome, StorageObserver};

use crate::families::{Counters, Histograms, Labels, counters, histograms};

/// Operations on the database.
pub struct DatabaseMetrics {
    operations: Counters<2>,
    seconds: Histograms<Labels<1>>,
}

impl DatabaseMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let operations = "Operations on the database, by kind and outcome";
        let seconds = "Time of an operation on the database with its wait for a connection";
        Self {
            operations: counters(registry, "database_operations", operations),
            seconds: histograms(registry, "database_operation", seconds),
        }
    }
}

impl StorageObserver for DatabaseMetrics {
    fn operation(&self, kind: OperationKind, outcome: OperationOutcome, duration: Duration) {
        let kind = ("operation", kind.as_str().into());
        self.seconds.get_or_create(std::array::from_ref(&kind)).observe(duration.as_secs_f64());
        self.operations.get_or_create(&[kind, ("outcome", outcome.as_str().into())]).inc();
    }
}
