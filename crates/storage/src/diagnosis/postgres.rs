//! What an operator is told of a PostgreSQL server.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use vestibule_domain::{Clock, ClockReading, Timestamp};

use super::{Connections, MissingRight, PostgresDiagnosis, SchemaVersions};
use crate::db::{Db, operation, query};
use crate::error::StorageError;
use crate::feed;
use crate::options::StorageOptions;
use crate::storage::Storage;
use crate::url::DatabaseUrl;

/// The limits of the account and of the database count as well; -1 means none. Connections of this program, also of other replicas,
/// bear its name.
const SERVER: &str = "SELECT current_setting('server_version_num')::bigint AS version, \
    (current_setting('transaction_read_only') = 'on') AS read_only, \
    least(current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint, \
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user), \
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())) AS most, \
    (SELECT count(*) FROM pg_stat_activity \
        WHERE backend_type = 'client backend' AND application_name <> 'vestibule') AS of_others, \
    current_schema()::text AS schema, \
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create";

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now";

/// Our tables, as far as they are there. Where the privileges of a table are named together, one of them would do.
const TABLES: &str = "SELECT c.relname::text AS name, pg_has_role(c.relowner, 'USAGE') AS is_ours, \
    (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) AS is_usable \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname IN ('schema_migrations', 'users', 'identities', \
        'verified_emails', 'sessions', 'identity_refusals', 'organization_logins', 'spent_attempts', \
        'role_assignments', 'audit_events') \
    ORDER BY name";

const VERSION: &str = "SELECT coalesce(max(version), 0)::bigint AS version FROM schema_migrations";

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bool)]
    read_only: bool,
    #[diesel(sql_type = BigInt)]
    most: i64,
    #[diesel(sql_type = BigInt)]
    of_others: i64,
    #[diesel(sql_type = Nullable<Text>)]
    schema: Option<String>,
    #[diesel(sql_type = Bool)]
    may_create: bool,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    now: i64,
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_ours: bool,
    #[diesel(sql_type = Bool)]
    is_usable: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub(super) async fn diagnose(
    url: &DatabaseUrl,
    clock: &dyn Clock,
) -> Result<PostgresDiagnosis, StorageError> {
    let storage = Storage::connect(url, &StorageOptions { max_connections: 1 })?;
    let db = storage.db.as_ref();
    let server: Server = db
        .read(operation!(diagnose_server(), |connection| {
            let select = diesel::sql_query(SERVER);
            query!(connection, |c| select.get_result(c))
        }))
        .await?;
    let tables: Vec<Table> = db
        .read(operation!(diagnose_tables(), |connection| {
            let select = diesel::sql_query(TABLES);
            query!(connection, |c| select.get_results(c))
        }))
        .await?;
    let schema = SchemaVersions::new(find_version(db, &tables).await?);
    Ok(PostgresDiagnosis {
        version: server.version,
        schema,
        read_only: server.read_only,
        clock: read_clock(db, clock).await?,
        connections: Connections { most: server.most, of_others: server.of_others },
        missing_rights: missing_rights(server, tables, schema),
        notifications: feed::check_delivery(db).await,
    })
}

/// The version of the schema; 0 where there is no history, or none that we may read.
async fn find_version(db: &Db, tables: &[Table]) -> Result<i32, StorageError> {
    if !tables.iter().any(|table| table.name == "schema_migrations" && table.is_usable) {
        return Ok(0);
    }
    let found: Version = db
        .read(operation!(diagnose_version(), |connection| {
            let select = diesel::sql_query(VERSION);
            query!(connection, |c| select.get_result(c))
        }))
        .await?;
    Ok(i32::try_from(found.version).unwrap_or(i32::MAX))
}

/// The connection is there by now, so that a statement and its answer are all that lies between the two looks at our clock.
async fn read_clock(db: &Db, clock: &dyn Clock) -> Result<ClockReading, StorageError> {
    let asked = clock.now();
    let found: Now = db
        .read(operation!(diagnose_clock(), |connection| {
            let select = diesel::sql_query(NOW);
            query!(connection, |c| select.get_result(c))
        }))
        .await?;
    let (answered, theirs) = (clock.now(), Timestamp::from_micros(found.now));
    Ok(ClockReading { asked, answered, theirs, precision: Duration::ZERO })
}

fn missing_rights(server: Server, tables: Vec<Table>, schema: SchemaVersions) -> Vec<MissingRight> {
    let create = (!server.may_create).then_some(MissingRight::Create { schema: server.schema });
    let is_old = schema.found < schema.known;
    let of_table = |table: Table| match table {
        Table { is_usable: false, name, .. } => Some(MissingRight::Use { table: name }),
        Table { is_ours: false, name, .. } if is_old => Some(MissingRight::Alter { table: name }),
        _ => None,
    };
    create.into_iter().chain(tables.into_iter().filter_map(of_table)).collect()
}
