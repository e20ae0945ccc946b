//! How operations on the database are measured and traced.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;

use crate::error::StorageError;

/// What kind of operation it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// It only reads.
    Read,
    /// One statement that writes.
    Write,
    /// Several statements that count together or not at all.
    Transaction,
}

impl OperationKind {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Transaction => "transaction",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationOutcome {
    /// With an answer.
    Ok,
    /// The database was out of reach, overloaded, locked, read-only or full.
    Unavailable,
    /// In any other way.
    Failed,
}

impl OperationOutcome {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }
}

/// Is called for every operation on the database, on the threads of requests: it must be quick.
pub trait StorageObserver: Send + Sync {
    /// An operation ended, after this long, with its wait for a connection and its repetitions.
    fn operation(&self, kind: OperationKind, outcome: OperationOutcome, duration: Duration);
}

/// What a pool of connections is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Which pool: `all` of PostgreSQL, `writer` or `readers` of SQLite.
    pub name: &'static str,
    /// How many connections there may be.
    pub most: usize,
    /// How many are open.
    pub open: usize,
    /// How many of those are in use.
    pub in_use: usize,
    /// How many operations wait for one.
    pub waiting: usize,
}

/// The observer, if there is one.
#[derive(Default)]
pub(crate) struct Instrumentation(OnceLock<Arc<dyn StorageObserver>>);

impl Instrumentation {
    /// Sets the observer. The first one stays.
    pub(crate) fn observe_with(&self, observer: Arc<dyn StorageObserver>) {
        self.0.get_or_init(|| observer);
    }

    /// Runs an operation in a span that has its name, and tells the observer how it ended.
    pub(crate) async fn instrument<T>(
        &self,
        kind: OperationKind,
        name: &'static str,
        operation: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let started = Instant::now();
        let span = tracing::trace_span!(
            target: "vestibule::spans", "database", otel.kind = "client", operation = kind.as_str(),
            db.operation.name = name
        );
        let result = operation.instrument(span).await;
        if let Some(observer) = self.0.get() {
            observer.operation(kind, outcome_of(&result), started.elapsed());
        }
        result
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Instrumentation(..)")
    }
}

fn outcome_of<T>(result: &Result<T, StorageError>) -> OperationOutcome {
    match result {
        Ok(_) => OperationOutcome::Ok,
        Err(error) if error.is_unavailable() => OperationOutcome::Unavailable,
        Err(_) => OperationOutcome::Failed,
    }
}
