//! What an operator may change about the connections.

use std::time::Duration;

/// What an operator may want to change about the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageOptions {
    /// How many connections to PostgreSQL, or how many readers of SQLite, beside its one writer.
    pub max_connections: usize,
    /// How long an operation waits for a free connection before it gives up.
    pub acquire_timeout: Duration,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self { max_connections: 10, acquire_timeout: Duration::from_secs(2) }
    }
}
