//! The schema's history, and how a database is brought up to it.

use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::RunQueryDsl;
use tokio::time::Instant;

use crate::db::{Connection, ConnectionRef, Db, query};
use crate::error::{OperationError, StorageError, optional};
use crate::schema::schema_migrations;
use crate::storage::Storage;

/// How long to wait while another process migrates.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// The messages of the two databases when another process holds a lock that a step needs.
const LOCKED: [&str; 2] = ["database is locked", "due to lock timeout"];

/// The name of our advisory lock in PostgreSQL: an arbitrary number that nothing else in the database uses.
///
/// While a step waits for a table, all later queries wait behind it, even those that only read. So it waits briefly, lets them
/// pass and tries again; a dump of the database may lock the table for minutes.
const LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
    SELECT pg_advisory_xact_lock(7305513201954062); SET LOCAL lock_timeout = '1s'";

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER NOT NULL CONSTRAINT schema_migrations_pkey PRIMARY KEY,
    name TEXT NOT NULL
)";

/// One step. What is written here has been released and is never changed.
struct Migration {
    version: i32,
    name: &'static str,
    statements: Statements,
}

#[derive(Clone, Copy)]
enum Statements {
    /// The same for both databases.
    Both(&'static str),
    /// Different for each.
    Each { sqlite: &'static str, postgres: &'static str },
}

impl Statements {
    fn for_database_of(self, connection: &mut Connection) -> &'static str {
        match (self, connection.inner()) {
            (Self::Both(statements), _) => statements,
            (Self::Each { postgres, .. }, ConnectionRef::Postgres(_)) => postgres,
            (Self::Each { sqlite, .. }, ConnectionRef::Sqlite(_) | ConnectionRef::Closed) => sqlite,
        }
    }
}

/// In the order in which they are applied, numbered from 1 without a gap.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_initial",
        statements: Statements::Both(include_str!("../migrations/0001_initial.sql")),
    },
    Migration {
        version: 2,
        name: "0002_statements",
        statements: Statements::Both(include_str!("../migrations/0002_statements.sql")),
    },
    Migration {
        version: 3,
        name: "0003_roles",
        statements: Statements::Both(include_str!("../migrations/0003_roles.sql")),
    },
    Migration {
        version: 4,
        name: "0004_changes",
        statements: Statements::Each {
            sqlite: include_str!("../migrations/0004_changes.sqlite.sql"),
            postgres: include_str!("../migrations/0004_changes.postgres.sql"),
        },
    },
    Migration {
        version: 5,
        name: "0005_audit",
        statements: Statements::Both(include_str!("../migrations/0005_audit.sql")),
    },
    Migration {
        version: 6,
        name: "0006_generations",
        statements: Statements::Each {
            sqlite: include_str!("../migrations/0006_generations.sqlite.sql"),
            postgres: include_str!("../migrations/0006_generations.postgres.sql"),
        },
    },
    Migration {
        version: 7,
        name: "0007_identities",
        statements: Statements::Each {
            sqlite: include_str!("../migrations/0007_identities.sqlite.sql"),
            postgres: include_str!("../migrations/0007_identities.postgres.sql"),
        },
    },
    Migration {
        version: 8,
        name: "0008_email_authority",
        statements: Statements::Both(include_str!("../migrations/0008_email_authority.sql")),
    },
    Migration {
        version: 9,
        name: "0009_credentials",
        statements: Statements::Both(include_str!("../migrations/0009_credentials.sql")),
    },
    Migration {
        version: 10,
        name: "0010_credential_changes",
        statements: Statements::Each {
            sqlite: include_str!("../migrations/0010_credential_changes.sqlite.sql"),
            postgres: include_str!("../migrations/0010_credential_changes.postgres.sql"),
        },
    },
    Migration {
        version: 11,
        name: "0011_sealed_successors",
        statements: Statements::Both(include_str!("../migrations/0011_sealed_successors.sql")),
    },
];

impl Storage {
    /// Migrates the schema to the newest version that this program knows, and returns the names of the steps it took.
    ///
    /// Any number of processes may do this at once: each step and its row in the history are one transaction under a lock. A
    /// schema that is newer than this program knows is refused and left alone.
    pub async fn migrate(&self) -> Result<Vec<String>, StorageError> {
        let applied = apply_all(&self.db, MIGRATIONS).await?;
        if !applied.is_empty() {
            tracing::info!(steps = applied.join(" "), "the schema of the database was migrated");
        }
        self.db.check_integrity().await?;
        Ok(applied)
    }
}

/// The newest version that this program knows.
pub(crate) fn known_version() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The newest version that the database has. Fails when it was never migrated.
pub(crate) async fn found_version(connection: &mut Connection) -> Result<i32, OperationError> {
    let select =
        schema_migrations::table.select(schema_migrations::version).order(schema_migrations::version.desc());
    Ok(optional(query!(connection, |c| select.first::<i32>(c)))?.unwrap_or(0))
}

async fn apply_all(db: &Db, migrations: &[Migration]) -> Result<Vec<String>, StorageError> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    let mut applied = Vec::new();
    loop {
        match apply_next(db, migrations, deadline).await {
            Ok(Some(name)) => applied.push(name),
            Ok(None) => return Ok(applied),
            Err(OperationError::Query(error)) if is_locked(&error) && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Applies the first step that the database lacks; `None` when it lacks none.
async fn apply_next(
    db: &Db,
    migrations: &[Migration],
    deadline: Instant,
) -> Result<Option<String>, OperationError> {
    let mut connection = db.writer(deadline).await?;
    connection.begin().await?;
    let result = apply_next_in_transaction(&mut connection, migrations).await;
    match result {
        Ok(Some(_)) => connection.commit().await?,
        Ok(None) | Err(_) => connection.rollback().await,
    }
    result
}

async fn apply_next_in_transaction(
    connection: &mut Connection,
    migrations: &[Migration],
) -> Result<Option<String>, OperationError> {
    if let ConnectionRef::Postgres(_) = connection.inner() {
        connection.execute(LOCK).await?;
    }
    connection.execute(HISTORY).await?;
    let found = found_version(connection).await?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(StorageError::SchemaTooNew { found, known }.into());
    }
    let Some(next) = migrations.iter().find(|migration| migration.version > found) else {
        return Ok(None);
    };
    let statements = next.statements.for_database_of(connection);
    connection.execute(statements).await?;
    let insert = diesel::insert_into(schema_migrations::table)
        .values((schema_migrations::version.eq(next.version), schema_migrations::name.eq(next.name)));
    query!(connection, |c| insert.execute(c))?;
    Ok(Some(next.name.to_owned()))
}

fn is_locked(error: &DieselError) -> bool {
    let DieselError::DatabaseError(_, information) = error else { return false };
    LOCKED.iter().any(|words| information.message().contains(words))
}

#[cfg(test)]
mod tests {
    use vestibule_test_support::TestDatabase;

    use super::*;
    use crate::db::operation;
    use crate::{DatabaseUrl, StorageOptions};

    const ONE: Migration =
        Migration { version: 1, name: "one", statements: Statements::Both("CREATE TABLE one (id TEXT)") };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "two",
        statements: Statements::Both("CREATE TABLE two (id TEXT); CREATE TABLE one (id TEXT)"),
    };
    const MENDED: Migration =
        Migration { version: 2, name: "two", statements: Statements::Both("CREATE TABLE two (id TEXT)") };

    async fn a_step_that_fails_leaves_no_trace(database: TestDatabase) {
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let db = Storage::connect(&url, &StorageOptions::default()).unwrap().db;
        let failed = apply_all(&db, &[ONE, BROKEN]).await.unwrap_err();
        assert!(matches!(failed, StorageError::Failed(_)), "{failed:?}");
        let version = async || {
            db.read(operation!(a_step_that_fails_leaves_no_trace(), |connection| {
                found_version(connection).await
            }))
            .await
            .unwrap()
        };
        assert_eq!(version().await, 1);
        assert_eq!(apply_all(&db, &[ONE, MENDED]).await.unwrap(), ["two"]);
        assert_eq!(version().await, 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn l11_a_step_that_fails_in_sqlite_leaves_no_trace_and_can_be_taken_again() {
        a_step_that_fails_leaves_no_trace(TestDatabase::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn l11_a_step_that_fails_in_postgres_leaves_no_trace_and_can_be_taken_again() {
        a_step_that_fails_leaves_no_trace(TestDatabase::postgres()).await;
    }

    #[test]
    fn steps_are_numbered_from_one_without_a_gap() {
        for (migration, expected) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.version, expected);
            assert!(migration.name.starts_with(&format!("{expected:04}_")), "{}", migration.name);
        }
    }
}
