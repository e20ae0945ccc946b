//! What an operator is told of a database before a service runs on it. Nothing is written, nothing migrated, no file made.

mod postgres;
mod sqlite;

use vestibule_domain::{Clock, ClockReading};

use crate::error::StorageError;
use crate::migrations::known_version;
use crate::storage::Storage;
use crate::url::{DatabaseUrl, Target};

/// What was found, by the kind of the database.
#[derive(Debug)]
pub enum DatabaseDiagnosis {
    /// A file.
    Sqlite(SqliteDiagnosis),
    /// A server.
    Postgres(PostgresDiagnosis),
}

/// Versions of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersions {
    /// The one that the database has; 0 when it is empty.
    pub found: i32,
    /// The newest that this program knows.
    pub known: i32,
}

/// What was found of SQLite's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteDiagnosis {
    /// Its schema. `None`: there is no file yet.
    pub schema: Option<SchemaVersions>,
    /// What our user may not write: the file, or its folder, in which SQLite keeps its log.
    pub not_writable: Option<&'static str>,
    /// The network file system that it lies on. SQLite's log needs memory that all its processes share, and locks that hold.
    pub network: Option<&'static str>,
}

/// What was found of a server.
#[derive(Debug)]
pub struct PostgresDiagnosis {
    /// Its version in its own form, such as 150004 for 15.4.
    pub version: i64,
    /// The schema.
    pub schema: SchemaVersions,
    /// Whether it takes no writes.
    pub read_only: bool,
    /// What our account may not do, in the order of what is needed first.
    pub missing_rights: Vec<MissingRight>,
    /// Its clock beside ours.
    pub clock: ClockReading,
    /// Its connections.
    pub connections: Connections,
    /// Whether it delivers notifications, by which a replica learns what others change.
    pub notifications: Result<(), StorageError>,
}

/// What our account may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingRight {
    /// Create tables and functions, which each start makes sure of.
    Create {
        /// The schema of the database in which they would be; `None` when the search path leads to none.
        schema: Option<String>,
    },
    /// Read and write this table.
    Use {
        /// The table.
        table: String,
    },
    /// Change the form of this table, which belongs to another account.
    Alter {
        /// The table.
        table: String,
    },
}

/// How many connections the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// As many as our account may have in this database, all clients together.
    pub most: i64,
    /// As many as others than this program hold.
    pub of_others: i64,
}

impl Storage {
    /// Looks at a database as it would be used, and changes nothing. An error means that it cannot be used at all.
    pub async fn diagnose(url: &DatabaseUrl, clock: &dyn Clock) -> Result<DatabaseDiagnosis, StorageError> {
        match url.target() {
            Target::Sqlite(path) => sqlite::diagnose(url, path).await.map(DatabaseDiagnosis::Sqlite),
            Target::Postgres(_) => postgres::diagnose(url, clock).await.map(DatabaseDiagnosis::Postgres),
        }
    }
}

impl SchemaVersions {
    fn new(found: i32) -> Self {
        Self { found, known: known_version() }
    }
}
