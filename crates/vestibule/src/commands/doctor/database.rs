//! The database: whether it can be reached and used, by the account and the settings that `serve` has.

use std::cmp::Ordering;
use std::time::Duration;

use tokio::time::timeout;
use vestibule_domain::{Clock, error_chain};
use vestibule_storage::{
    Connections, DatabaseDiagnosis, DatabaseKind, DatabaseUrl, MissingRight, PostgresDiagnosis,
    SchemaVersions, SqliteDiagnosis, Storage, StorageError,
};

use super::findings::{Check, Findings};
use super::providers::describe;
use super::{CLOCK_TOLERANCE, KEEP_TIME};
use crate::settings::Understood;
use crate::settings::table::{DATABASE_CONNECTIONS, DATABASE_URL};

const LIMIT: Duration = Duration::from_secs(20);
/// The schema has triggers that call functions by `EXECUTE FUNCTION`.
const LEAST_POSTGRES: i64 = 110_000;
/// The one that the tests run on.
const TESTED_POSTGRES: i64 = 150_000;
/// Beside its pool a replica has one that listens, and a command one of its own.
const OUTSIDE_THE_POOL: usize = 2;

pub(super) async fn look(settings: &Understood, clock: &dyn Clock) -> Findings {
    let mut findings = Findings::default();
    let Some(url) = &settings.database else { return findings };
    if settings.dev && has_no_folder(url) {
        findings.ok(
            Check::Database,
            url,
            "there is no file yet; `vestibule serve --dev` makes it and its folder",
        );
        return findings;
    }
    let mut about = About { url, connections: settings.database_connections, findings: &mut findings };
    match timeout(LIMIT, Storage::diagnose(url, clock)).await {
        Ok(Ok(DatabaseDiagnosis::Sqlite(found))) => about.report_sqlite(&found),
        Ok(Ok(DatabaseDiagnosis::Postgres(found))) => about.report_postgres(&found),
        Ok(Err(error)) => about.report_error(&error),
        Err(_) => {
            about.fail("no answer in time", "see that the server runs, and that this machine reaches it");
        }
    }
    findings
}

fn has_no_folder(url: &DatabaseUrl) -> bool {
    let file = url.file().and_then(|file| std::path::absolute(file).ok());
    file.is_some_and(|file| file.parent().is_some_and(|folder| !folder.exists()))
}

/// The lines about one database.
struct About<'a> {
    url: &'a DatabaseUrl,
    connections: Option<usize>,
    findings: &'a mut Findings,
}

impl About<'_> {
    fn fail(&mut self, message: impl std::fmt::Display, mending: impl std::fmt::Display) {
        self.findings.failure(Check::Database, self.url, message, mending);
    }

    fn report_error(&mut self, error: &StorageError) {
        let setting = DATABASE_URL.name();
        let mending = match self.url.kind() {
            DatabaseKind::Postgres => format!(
                "see that the server runs and is reached from here, and that user, password and database of {setting} are right"
            ),
            DatabaseKind::Sqlite => format!("{setting} must name a file in a folder of the service's own"),
        };
        self.fail(error_chain(error), mending);
    }

    fn report_sqlite(&mut self, found: &SqliteDiagnosis) {
        match found.not_writable {
            Some(what) => self.fail(
                format_args!("the user that looks may not write {what}"),
                "give both to the user of the service, and look as this user",
            ),
            None if found.schema.is_none() => {
                self.findings.ok(
                    Check::Database,
                    self.url,
                    "there is no file yet; `vestibule serve` makes it",
                );
            }
            None => self.findings.ok(Check::Database, self.url, "the file can be read and written"),
        }
        if let Some(system) = found.network {
            self.fail(
                format_args!(
                    "the file lies on a network file system ({system}), on which SQLite loses what it wrote"
                ),
                "put it on a disk of this machine, or use PostgreSQL",
            );
        }
        if let Some(schema) = found.schema {
            self.report_schema(schema);
        }
    }

    fn report_postgres(&mut self, found: &PostgresDiagnosis) {
        self.report_server(found);
        self.report_schema(found.schema);
        self.report_rights(&found.missing_rights);
        let length = found.clock.difference().length();
        if length <= CLOCK_TOLERANCE {
            self.findings.ok(Check::DatabaseClock, self.url, "its clock and ours agree");
        } else {
            let message = format_args!("its clock is {} ours", describe(found.clock.difference()));
            self.findings.warning(Check::DatabaseClock, self.url, message, KEEP_TIME);
        }
        self.report_connections(found.connections);
        self.report_notifications(&found.notifications);
    }

    fn report_server(&mut self, found: &PostgresDiagnosis) {
        let PostgresDiagnosis { version, read_only, .. } = *found;
        let (major, minor) = (version / 10_000, version % 10_000);
        if version < LEAST_POSTGRES {
            self.fail(format_args!("PostgreSQL {major}.{minor} is too old"), "take 15 or later");
        } else if read_only {
            self.fail(
                "the server takes no writes",
                "name the primary server, or add target_session_attrs=read-write",
            );
        } else if version < TESTED_POSTGRES {
            let message = format_args!("PostgreSQL {major}.{minor}, on which the service is not tested");
            self.findings.warning(Check::Database, self.url, message, "take 15 or later");
        } else {
            self.findings.ok(
                Check::Database,
                self.url,
                format_args!("PostgreSQL {major}.{minor} takes writes"),
            );
        }
    }

    fn report_schema(&mut self, SchemaVersions { found, known }: SchemaVersions) {
        match found.cmp(&known) {
            Ordering::Greater => {
                let message = format_args!("version {found}, and this program knows versions up to {known}");
                let mending = "run a program at least as new as the last that ran on it";
                self.findings.failure(Check::Schema, self.url, message, mending);
            }
            Ordering::Equal => {
                self.findings.ok(Check::Schema, self.url, format_args!("version {found}, up to date"));
            }
            Ordering::Less => {
                let message = format_args!(
                    "version {found}; the next start, or `vestibule migrate`, brings it to {known}"
                );
                self.findings.ok(Check::Schema, self.url, message);
            }
        }
    }

    fn report_rights(&mut self, missing: &[MissingRight]) {
        const CHECK: Check = Check::Rights;
        let (url, findings) = (self.url, &mut *self.findings);
        if missing.is_empty() {
            findings.ok(CHECK, url, "the account may do what the service does");
        }
        for right in missing {
            match right {
                MissingRight::Create { schema: Some(schema) } => findings.failure(
                    CHECK,
                    url,
                    format_args!("the account may not create tables in the schema {schema}"),
                    format_args!("GRANT USAGE, CREATE ON SCHEMA {schema} TO the account, or make it the owner of the database"),
                ),
                MissingRight::Create { schema: None } => findings.failure(
                    CHECK,
                    url,
                    "the search path of the account leads to no schema",
                    "create a schema for the account, or set its search_path",
                ),
                MissingRight::Use { table } => findings.failure(
                    CHECK,
                    url,
                    format_args!("the account may not read and write the table {table}"),
                    "use the account that owns the tables, or grant it SELECT, INSERT, UPDATE and DELETE on all of them",
                ),
                MissingRight::Alter { table } => findings.failure(
                    CHECK,
                    url,
                    format_args!("the table {table} belongs to another account, so it cannot be migrated"),
                    "run `vestibule migrate` with the account that owns the tables",
                ),
            }
        }
    }

    fn report_connections(&mut self, Connections { most, of_others }: Connections) {
        let Some(needed) = self.connections.map(|pool| pool + OUTSIDE_THE_POOL) else { return };
        let free = usize::try_from(most.saturating_sub(of_others)).unwrap_or(0);
        let message =
            format_args!("the account may have {most}, others hold {of_others}, a replica needs {needed}");
        if free < needed {
            let mending = format_args!(
                "raise max_connections of the server or the limit of the account, or lower {}",
                DATABASE_CONNECTIONS.name()
            );
            self.findings.warning(Check::Connections, self.url, message, mending);
        } else {
            self.findings.ok(Check::Connections, self.url, message);
        }
    }

    fn report_notifications(&mut self, outcome: &Result<(), StorageError>) {
        const CHECK: Check = Check::Notifications;
        match outcome {
            Ok(()) => self.findings.ok(CHECK, self.url, "a notification arrives"),
            Err(error) => {
                let reason =
                    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
                let message = format_args!("every check asks the database: {reason}");
                let mending = "let a pooler keep a session on one connection (pool_mode = session in PgBouncer), or go around it";
                self.findings.warning(CHECK, self.url, message, mending);
            }
        }
    }
}
