//! A consistent copy of SQLite's file, taken while the program runs. PostgreSQL has its own tools.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use thiserror::Error;

use crate::db::{Connection, query};
use crate::error::{OperationError, StorageError};
use crate::storage::Storage;

/// Why a backup failed. No file is left behind.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The database is PostgreSQL.
    #[error("only SQLite's file is copied here; a PostgreSQL database is backed up by pg_dump")]
    NotSqlite,
    /// Something has that name. A backup never replaces another.
    #[error("{0} is there already")]
    Exists(PathBuf),
    /// The copy cannot be written there.
    #[error("{path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be read, or the copy does not fit.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Storage {
    /// Writes the present contents of the database to a new file that only its owner may read. Sign-ins continue meanwhile.
    /// When this succeeds, the copy is complete and on the disk.
    pub async fn back_up(&self, target: &Path) -> Result<(), BackupError> {
        let mut source = self.db.sqlite_reader().await?.ok_or(BackupError::NotSqlite)?;
        let failed = |source| BackupError::Io { path: target.to_owned(), source };
        let target = std::path::absolute(target).map_err(failed)?;
        let partial = partial_name(&target).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        reserve(&partial).map_err(failed)?;
        let written = match copy_into(&mut source, &partial).await {
            Ok(()) => put_in_place(&partial, &target),
            Err(failure) => Err(StorageError::from(failure).into()),
        };
        let removed = fs::remove_file(&partial).map_err(failed);
        written.and(removed)
    }
}

/// A name beside the final one that says what the file is, in case the machine fails meanwhile.
fn partial_name(target: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name()?);
    name.push(format!(".{}.partial", std::process::id()));
    Some(target.with_file_name(name))
}

/// SQLite would create the file with the rights of the umask. It accepts an empty file that exists.
fn reserve(partial: &Path) -> io::Result<()> {
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map(drop)
}

/// For SQLite this is a read transaction, so no write waits for it. The connection is closed afterwards, because it may write
/// now.
async fn copy_into(source: &mut Connection, partial: &Path) -> Result<(), OperationError> {
    source.execute("PRAGMA query_only = OFF").await?;
    let name = partial.to_string_lossy().into_owned();
    let copy = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name);
    let copied = query!(source, |c| copy.execute(c)).map(drop);
    source.discard();
    copied
}

/// Uses a link, because a rename would replace a file that has the name.
fn put_in_place(partial: &Path, target: &Path) -> Result<(), BackupError> {
    let linked =
        File::open(partial).and_then(|file| file.sync_all()).and_then(|()| fs::hard_link(partial, target));
    let synced = linked.and_then(|()| File::open(target.parent().unwrap_or(Path::new("/")))?.sync_all());
    synced.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => BackupError::Io { path: target.to_owned(), source },
    })
}
