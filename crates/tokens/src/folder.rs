//! The folder that holds the keys: reading it, noticing a change, adding to it.

mod file;
mod generate;
mod name;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vestibule_domain::Timestamp;
use vestibule_file_permissions::Rule;

pub use generate::generate_key;

use crate::ring::RingKey;
use crate::service::LEEWAY;
use crate::{KeyError, KeyRing, KeyState};

const EXTENSION: &str = "pem";

/// What an operator is told of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key's id, as in the tokens and in the JWKS.
    pub kid: String,
    /// Its file.
    pub file: PathBuf,
    /// The length of its modulus.
    pub bits: usize,
    /// From when it signs.
    pub active_from: Timestamp,
    /// What it does now.
    pub state: KeyState,
}

/// The keys of a folder in the order in which they become active. `longest_token` is the longest life that a token is
/// given.
pub fn list_keys(dir: &Path, now: Timestamp, longest_token: Duration) -> Result<Vec<KeyInfo>, KeyError> {
    Ok(KeyRing::load_dir(dir, now)?.describe(now, longest_token.saturating_add(LEEWAY)))
}

/// What a folder looks like from outside. Two equal states mean that there is nothing to load anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirState(Vec<FileState>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileState {
    name: OsString,
    length: u64,
    modified: (i64, i64),
    // Also moves with the owner and the mode, which decide whether a key is accepted.
    changed: (i64, i64),
}

/// Looks at the key files of a folder without opening them: cheap enough to do several times a second.
pub fn dir_state(dir: &Path) -> io::Result<DirState> {
    let files = pem_files(dir)?.into_iter().filter_map(|path| file_state(&path).transpose());
    files.collect::<io::Result<_>>().map(DirState)
}

/// `None` if the file has been removed since the folder was read.
fn file_state(path: &Path) -> io::Result<Option<FileState>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(FileState {
            name: path.file_name().unwrap_or_default().to_owned(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads every key of a folder; a folder that does not exist has none.
pub(crate) fn read_keys(dir: &Path, now: Timestamp) -> Result<Vec<RingKey>, KeyError> {
    let files = match Rule::DECIDES.check_folder(dir) {
        Err(fault) if fault.is_not_found() => Vec::new(),
        Err(fault) => return Err(KeyError::Folder(fault)),
        Ok(_) => pem_files(dir).map_err(|source| KeyError::Io { path: dir.to_owned(), source })?,
    };
    files.into_iter().map(|path| file::read_key(path, now)).collect()
}

/// The `*.pem` of a folder, sorted by name. Names with a dot in front are files that are still being written.
fn pem_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
