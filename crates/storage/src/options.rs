//! What an operator may change about the connections.

/// What an operator may want to change about the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageOptions {
    /// How many connections to PostgreSQL, or how many readers of SQLite, beside its one writer.
    pub max_connections: usize,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self { max_connections: 10 }
    }
}
