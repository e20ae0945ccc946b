//! SQLite: the file, its connections and their settings.

pub(super) mod blocking;

use std::fs::{Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::result::DatabaseErrorKind;
use diesel::{ConnectionError, ConnectionResult, QueryResult, SqliteConnection};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use vestibule_file_permissions::{Fault, Reason, Rule};

use self::blocking::Spawner;
use crate::error::StorageError;

pub(crate) type Connection = SyncConnectionWrapper<SqliteConnection, Spawner>;

/// How long a connection waits for another process's lock: less than its caller waits, so that the caller gets the reason.
#[cfg(test)]
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// `synchronous = FULL`: with NORMAL, a power loss may take back a revocation that was already answered.
const WRITER_SETTINGS: &str = "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";
const READER_SETTINGS: &str = "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; \
    PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;";

/// How often a new connection retries while others switch the new file to its write-ahead log.
const OPENING_ATTEMPTS: u32 = 50;
const OPENING_PAUSE: Duration = Duration::from_millis(20);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionMode {
    Writer,
    Reader,
}

/// The database file, with the identity that it had when the program began.
///
/// SQLite goes on writing into a file that has been removed or replaced; those writes would be lost at the next start. So the
/// writer checks that the path still leads to the same file.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl DatabaseFile {
    /// Finds the file, or creates an empty one that only its owner may read. No other place creates one: if the file disappears
    /// later, that is an error.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, StorageError> {
        let refused = |reason| StorageError::open(format!("{}: {reason}", path.display()));
        Self::try_open_or_create(path).map_err(refused)
    }

    /// Checks the rights of the folder and of the file, if it exists. Creates nothing.
    pub(super) fn check(path: &Path) -> Result<(), StorageError> {
        let refused = |reason| StorageError::open(format!("{}: {reason}", path.display()));
        let path = trusted_place(path).map_err(refused)?;
        if path.symlink_metadata().is_ok() { check_rights(&path).map_err(refused).map(drop) } else { Ok(()) }
    }

    fn try_open_or_create(path: &Path) -> Result<Self, Reason> {
        let path = trusted_place(path)?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Reason::Unreadable(error)),
        }
        let metadata = check_rights(&path)?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }

    pub(super) fn is_in_place(&self) -> bool {
        let same = |found: Metadata| found.dev() == self.device && found.ino() == self.inode;
        std::fs::metadata(&self.path).is_ok_and(same)
    }

    /// Fails when the path no longer leads to the file.
    pub(crate) fn check_in_place(&self) -> Result<(), StorageError> {
        Ok(in_place(self)?)
    }

    /// Opens a connection that only reads, outside the pool.
    pub(crate) async fn open_reader(&self) -> Result<Connection, StorageError> {
        Ok(establish(self.clone(), ConnectionMode::Reader).await?)
    }
}

/// The address with which SQLite never creates the file.
pub(crate) fn uri(path: &Path) -> String {
    let path = path.to_string_lossy();
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?mode=rw")
}

/// Write access to the file or to its log would give access to every account.
const RULE: Rule = Rule::DECIDES;

/// The files that SQLite keeps beside the database, and trusts.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The path without links, in a folder to which no other user can add files.
fn trusted_place(path: &Path) -> Result<PathBuf, Reason> {
    let found = match RULE.find(path) {
        Err(fault) if fault.is_not_found() => std::path::absolute(path).map_err(Reason::Unreadable)?,
        outcome => outcome.map_err(Fault::into_reason)?,
    };
    let (Some(folder), Some(name)) = (found.parent(), found.file_name()) else {
        return Err(Reason::NotAFile);
    };
    Ok(RULE.check_closed_folder(folder).map_err(Fault::into_reason)?.join(name))
}

/// Does not open the file: closing it would release the locks that SQLite has on it in the same process. The folder is closed,
/// so no other user can replace the file meanwhile.
fn check_rights(path: &Path) -> Result<Metadata, Reason> {
    let look = |path: &Path| path.symlink_metadata().map_err(Reason::Unreadable);
    let metadata = look(path)?;
    RULE.check(&metadata)?;
    for ending in BESIDE {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        match look(Path::new(&beside)) {
            Ok(metadata) => {
                RULE.check(&metadata).map_err(|reason| Reason::Beside(ending, Box::new(reason)))?;
            }
            Err(Reason::Unreadable(error)) if error.kind() == ErrorKind::NotFound => {}
            Err(reason) => return Err(reason),
        }
    }
    Ok(metadata)
}

pub(super) fn pool(
    file: &DatabaseFile,
    mode: ConnectionMode,
    size: usize,
) -> Result<Pool<Connection>, StorageError> {
    let mut config = ManagerConfig::default();
    config.custom_setup = {
        let file = file.clone();
        Box::new(move |_| Box::pin(establish(file.clone(), mode)))
    };
    config.recycling_method = match mode {
        ConnectionMode::Reader => RecyclingMethod::Fast,
        ConnectionMode::Writer => {
            let file = file.clone();
            RecyclingMethod::CustomFunction(Box::new(move |_| Box::pin(std::future::ready(in_place(&file)))))
        }
    };
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .build()
        .map_err(|error| StorageError::open(error.to_string()))
}

fn in_place(file: &DatabaseFile) -> QueryResult<()> {
    if file.is_in_place() {
        return Ok(());
    }
    let message = "the database file has been removed or replaced".to_owned();
    Err(diesel::result::Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(message)))
}

async fn establish(file: DatabaseFile, mode: ConnectionMode) -> ConnectionResult<Connection> {
    let mut attempt = 1;
    loop {
        match try_establish(&file, mode).await {
            Err(error) if attempt < OPENING_ATTEMPTS && error.to_string().contains("locked") => {
                attempt += 1;
                tokio::time::sleep(OPENING_PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn try_establish(file: &DatabaseFile, mode: ConnectionMode) -> ConnectionResult<Connection> {
    in_place(file).map_err(ConnectionError::CouldntSetupConfiguration)?;
    let mut connection = Connection::establish(&uri(&file.path)).await?;
    let settings = match mode {
        ConnectionMode::Writer => WRITER_SETTINGS,
        ConnectionMode::Reader => READER_SETTINGS,
    };
    connection.batch_execute(settings).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use diesel::QueryableByName;
    use diesel::sql_types::BigInt;
    use diesel_async::RunQueryDsl;
    use vestibule_test_support::TestDatabase;

    use super::*;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = BigInt)]
        value: i64,
    }

    async fn setting(connection: &mut Connection, name: &str) -> i64 {
        let column = if name == "busy_timeout" { "timeout" } else { name };
        let select = format!("SELECT {column} AS value FROM pragma_{name}");
        diesel::sql_query(select).get_result::<Setting>(connection).await.unwrap().value
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn l3_the_writer_waits_for_the_disk_and_keeps_foreign_keys() {
        let database = TestDatabase::sqlite();
        let file = DatabaseFile::open_or_create(&database.file().unwrap()).unwrap();
        let mut writer = establish(file, ConnectionMode::Writer).await.unwrap();
        assert_eq!(setting(&mut writer, "synchronous").await, 2);
        assert_eq!(setting(&mut writer, "foreign_keys").await, 1);
        assert_eq!(
            i128::from(setting(&mut writer, "busy_timeout").await),
            BUSY_TIMEOUT.as_millis().cast_signed()
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_cannot_write() {
        let database = TestDatabase::sqlite();
        let file = DatabaseFile::open_or_create(&database.file().unwrap()).unwrap();
        let mut reader = establish(file, ConnectionMode::Reader).await.unwrap();
        assert!(reader.batch_execute("CREATE TABLE t (id TEXT)").await.is_err());
    }
}
