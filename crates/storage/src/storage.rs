//! The handle that the rest of the program holds.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{AuditEvent, ConfiguredProviders};

use crate::changes::Changes;
use crate::db::Db;
use crate::error::StorageError;
use crate::url::DatabaseUrl;

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

/// The database. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Storage {
    pub(crate) db: Arc<Db>,
    /// What the next change is told of as in the audit trail.
    pub(crate) audit: Option<Arc<AuditEvent>>,
    pub(crate) changes: Arc<Changes>,
    /// Whose identities count.
    pub(crate) providers: Arc<ConfiguredProviders>,
}

impl Storage {
    /// Looks at the files that [`Storage::connect`] would open, the database or the certificates of its server, and makes none.
    /// Whether the database can be used shows later.
    pub fn check_files(url: &DatabaseUrl) -> Result<(), StorageError> {
        Db::check_files(url)
    }

    /// Prepares the connections. SQLite's file is made if there is none, readable by its owner only; PostgreSQL is not
    /// contacted yet, so that a program can start before its database.
    pub fn connect(url: &DatabaseUrl, options: &StorageOptions) -> Result<Self, StorageError> {
        let (db, changes) = (Db::open(url, options)?, Changes::new());
        let providers = Arc::default();
        Ok(Self { db: Arc::new(db), changes: Arc::new(changes), audit: None, providers })
    }

    /// The same database, in which the identities of these providers count and no others. Until it is said, none does.
    #[must_use]
    pub fn with_providers(&self, providers: ConfiguredProviders) -> Self {
        Self { providers: Arc::new(providers), ..self.clone() }
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Storage(..)")
    }
}
