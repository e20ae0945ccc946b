//! Whether the database can be used.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use vestibule_domain::Timestamp;

use crate::db::{Connection, ConnectionRef, Db, operation, query};
use crate::error::{OperationError, StorageError};
use crate::migrations::{found_version, known_version};
use crate::storage::Storage;

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Bool)]
    read_only: bool,
    #[diesel(sql_type = BigInt)]
    now: i64,
}

const SERVER: &str = "SELECT current_setting('transaction_read_only') = 'on' AS read_only, \
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now";

#[derive(QueryableByName)]
struct Damage {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

impl Storage {
    /// Checks that the database answers, has at least the schema version that this program needs, and takes writes.
    /// A newer schema is accepted: while replicas are replaced one by one, the old ones go on working.
    ///
    /// Returns the time of the database's clock, if it has one of its own.
    pub async fn ping(&self) -> Result<Option<Timestamp>, StorageError> {
        let known = known_version();
        let read = operation!(find_schema_version(), |connection| found_version(connection).await);
        let found = match self.db.read(read).await {
            Ok(found) => found,
            // There is no history to look at.
            Err(StorageError::Failed(_)) => 0,
            Err(error) => return Err(error),
        };
        if found < known {
            return Err(StorageError::SchemaTooOld { found, known });
        }
        self.db.write(operation!(ping(), |connection| check_writable(connection).await)).await
    }
}

/// A database may answer queries after it stopped taking writes: a demoted server, a read-only file.
async fn check_writable(connection: &mut Connection) -> Result<Option<Timestamp>, OperationError> {
    match connection.inner() {
        // Its lock for writing is held already.
        ConnectionRef::Sqlite(_) | ConnectionRef::Closed => Ok(None),
        ConnectionRef::Postgres(_) => {
            let select = diesel::sql_query(SERVER);
            let found: Server = query!(connection, |c| select.get_result(c))?;
            if found.read_only {
                connection.discard();
                return Err(StorageError::unavailable("the server is read-only").into());
            }
            Ok(Some(Timestamp::from_micros(found.now)))
        }
    }
}

impl Db {
    /// Checks SQLite's file for damage, so that the program does not start on a broken one. PostgreSQL has its own tools.
    pub(crate) async fn check_integrity(&self) -> Result<(), StorageError> {
        let Self::Sqlite { .. } = self else { return Ok(()) };
        let found: Damage = self
            .read(operation!(check_integrity(), |connection| {
                let check = diesel::sql_query("PRAGMA quick_check(1)");
                query!(connection, |c| check.get_result(c))
            }))
            .await?;
        if found.quick_check == "ok" { Ok(()) } else { Err(StorageError::damaged(found.quick_check)) }
    }
}
