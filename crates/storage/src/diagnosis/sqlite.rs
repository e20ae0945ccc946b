//! What an operator is told of SQLite's file.

use std::io;
use std::path::{Path, PathBuf};

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};
use rustix::fs::{Access, access, statfs};

use super::{SchemaVersions, SqliteDiagnosis};
use crate::db::{SqliteConnection, sqlite_uri};
use crate::error::StorageError;
use crate::storage::Storage;
use crate::url::DatabaseUrl;

/// Reads, and leaves the way in which the file is journaled as it is.
const SETTINGS: &str = "PRAGMA busy_timeout = 2000; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;";
const VERSION: &str = "SELECT coalesce(max(version), 0) AS version FROM schema_migrations";
const HISTORY: &str =
    "SELECT count(*) AS version FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";

/// File systems that lie on other machines, by the numbers that the kernel gives them (statfs(2)).
const NETWORK: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub(super) async fn diagnose(url: &DatabaseUrl, path: &Path) -> Result<SqliteDiagnosis, StorageError> {
    Storage::check_files(url)?;
    let folder =
        folder_of(path).map_err(|error| StorageError::open(format!("{}: {error}", path.display())))?;
    let exists = path.exists();
    let may_write = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    let not_writable = if exists && !may_write(path) {
        Some("the file")
    } else {
        (!may_write(&folder)).then_some("its folder")
    };
    let schema = if exists { Some(SchemaVersions::new(find_version(path).await?)) } else { None };
    Ok(SqliteDiagnosis { schema, not_writable, network: find_network(&folder) })
}

fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().map_or_else(|| path.clone(), Path::to_owned))
}

fn find_network(folder: &Path) -> Option<&'static str> {
    #[expect(
        clippy::cast_sign_loss,
        reason = "the type of the number depends on the machine; its lower 32 bits count"
    )]
    let kind = (statfs(folder).ok()?.f_type as u64) & 0xffff_ffff;
    NETWORK.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// The version of the schema; 0 when the file has no history.
async fn find_version(path: &Path) -> Result<i32, StorageError> {
    let mut connection = SqliteConnection::establish(&sqlite_uri(path)).await?;
    connection.batch_execute(SETTINGS).await?;
    let history: Number = diesel::sql_query(HISTORY).get_result(&mut connection).await?;
    if history.version == 0 {
        return Ok(0);
    }
    let found: Number = diesel::sql_query(VERSION).get_result(&mut connection).await?;
    Ok(i32::try_from(found.version).unwrap_or(i32::MAX))
}
