//! Reading one key file, and refusing one that somebody else may have read or written.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::OFlags;
use rustix::io::Errno;
use secrecy::zeroize::Zeroizing;
use vestibule_domain::Timestamp;

use super::name;
use crate::key::Key;
use crate::ring::RingKey;
use crate::{KeyError, KeyFault};

const MAX_FILE_BYTES: u64 = 64 * 1024;
const ROOT: u32 = 0;
const OTHERS_MAY_DO_ANYTHING: u32 = 0o077;
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Reads and checks the key in a file.
pub(super) fn read_key(path: PathBuf, now: Timestamp) -> Result<RingKey, KeyError> {
    let (text, metadata) = read_guarded(&path)?;
    let refuse = |fault| KeyError::File { file: path.clone(), fault };
    let key = Key::from_pem(&text).map_err(refuse)?;
    require_mode(&metadata, key.as_private().is_some()).map_err(refuse)?;
    let named = path.file_name().and_then(|name| name.to_str()).and_then(name::active_from);
    let active_from = named.unwrap_or_else(|| modified(&metadata).min(now));
    Ok(RingKey { key, active_from, file: path })
}

/// The text of a file, and what the operating system says of the very file that was read.
fn read_guarded(path: &Path) -> Result<(Zeroizing<String>, Metadata), KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let refuse = |fault| KeyError::File { file: path.to_owned(), fault };
    let file = match open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(refuse(KeyFault::SymbolicLink));
        }
        result => result.map_err(fail)?,
    };
    let metadata = file.metadata().map_err(fail)?;
    require_ordinary(&metadata).map_err(refuse)?;
    let mut text = Zeroizing::new(String::new());
    match file.take(MAX_FILE_BYTES).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(refuse(KeyFault::NotPem)),
        result => result.map(|_| (text, metadata)).map_err(fail),
    }
}

/// Opens without following a link, and without waiting for the other end of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn require_ordinary(metadata: &Metadata) -> Result<(), KeyFault> {
    if !metadata.is_file() {
        return Err(KeyFault::NotAFile);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(KeyFault::TooLarge);
    }
    let uid = metadata.uid();
    let ours = uid == ROOT || uid == rustix::process::geteuid().as_raw();
    if ours { Ok(()) } else { Err(KeyFault::ForeignOwner { uid }) }
}

/// A private key is for its owner alone. A public one may be read by all, but whoever may write it could plant a key
/// whose tokens we would accept.
fn require_mode(metadata: &Metadata, private: bool) -> Result<(), KeyFault> {
    let mode = metadata.mode() & 0o7777;
    let forbidden = if private { OTHERS_MAY_DO_ANYTHING } else { OTHERS_MAY_WRITE };
    if mode & forbidden == 0 { Ok(()) } else { Err(KeyFault::Exposed { mode }) }
}

fn modified(metadata: &Metadata) -> Timestamp {
    let epoch = Timestamp::from_seconds(0);
    let since = metadata.modified().ok().and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    since.map_or(epoch, |duration| epoch.plus(duration))
}
