//! The handle that the rest of the program holds.

use std::sync::Arc;

use vestibule_domain::{ConfiguredProviders, SessionLimits};

use crate::changes::Changes;
use crate::db::Db;
use crate::error::StorageError;
use crate::observer::{PoolState, StorageObserver};
use crate::options::StorageOptions;
use crate::url::DatabaseUrl;

/// The database. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Storage {
    pub(crate) db: Arc<Db>,
    pub(crate) changes: Arc<Changes>,
    /// The providers whose identities count.
    pub(crate) providers: Arc<ConfiguredProviders>,
    /// How long browser sessions live.
    pub(crate) session_limits: SessionLimits,
}

impl Storage {
    /// Checks the files that [`Storage::connect`] would open, the database or the certificates of its server, and creates none.
    /// Does not contact the database.
    pub fn check_files(url: &DatabaseUrl) -> Result<(), StorageError> {
        Db::check_files(url)
    }

    /// Prepares the connections. SQLite's file is made if there is none, readable by its owner only; PostgreSQL is not
    /// contacted yet, so that a program can start before its database.
    pub fn connect(url: &DatabaseUrl, options: &StorageOptions) -> Result<Self, StorageError> {
        let (db, changes) = (Db::open(url, options)?, Changes::new());
        let providers = Arc::default();
        let session_limits = SessionLimits::default();
        Ok(Self { db: Arc::new(db), changes: Arc::new(changes), providers, session_limits })
    }

    /// The same database, where identities count if they are of these providers. Before this is called, none counts.
    #[must_use]
    pub fn with_providers(&self, providers: ConfiguredProviders) -> Self {
        Self { providers: Arc::new(providers), ..self.clone() }
    }

    /// The same database, where browser sessions live so long.
    #[must_use]
    pub fn with_session_limits(&self, session_limits: SessionLimits) -> Self {
        Self { session_limits, ..self.clone() }
    }

    /// How long browser sessions live.
    pub fn session_limits(&self) -> SessionLimits {
        self.session_limits
    }

    /// The providers whose identities count.
    pub fn providers(&self) -> &ConfiguredProviders {
        &self.providers
    }

    /// Calls this observer for every operation from now on. Only the first call of this method has an effect.
    pub fn observe_with(&self, observer: Arc<dyn StorageObserver>) {
        self.db.instrumentation().observe_with(observer);
    }

    /// What the pools of connections are doing at the moment.
    pub fn pools(&self) -> Vec<PoolState> {
        self.db.pools()
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Storage(..)")
    }
}
