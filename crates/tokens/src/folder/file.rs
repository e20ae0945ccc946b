//! Reads one key file, and refuses one that another user may have read or written.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use secrecy::zeroize::Zeroizing;
use vestibule_domain::Timestamp;
use vestibule_file_permissions::{Reason, Rule, Writers};

use super::name;
use crate::key::Key;
use crate::ring::RingKey;
use crate::{KeyError, KeyFault};

const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A public key may be read by all, but a user who may write it could plant a key whose tokens would be accepted.
const PUBLIC: Rule = Rule::DECIDES.with_writers(Writers::Owner);
/// A private one is for its owner alone.
const PRIVATE: Rule = Rule::SECRET.with_writers(Writers::Owner);

/// Reads and checks the key in a file.
pub(super) fn read_key(path: PathBuf, now: Timestamp) -> Result<RingKey, KeyError> {
    let (text, metadata) = read_guarded(&path)?;
    let key = Key::from_pem(&text).map_err(|fault| KeyError::File { file: path.clone(), fault })?;
    let rule = if key.as_private().is_some() { PRIVATE } else { PUBLIC };
    rule.check(&metadata).map_err(|reason| refused(&path, reason))?;
    let named = path.file_name().and_then(|name| name.to_str()).and_then(name::active_from);
    let active_from = named.unwrap_or_else(|| modified(&metadata).min(now));
    Ok(RingKey { key, active_from, file: path })
}

/// The text of a file, and what the operating system says of the very file that was read.
fn read_guarded(path: &Path) -> Result<(Zeroizing<String>, Metadata), KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let refuse = |fault| KeyError::File { file: path.to_owned(), fault };
    let file = PUBLIC.open_in_folder(path).map_err(|fault| refused(path, fault.into_reason()))?;
    let metadata = file.metadata().map_err(fail)?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(refuse(KeyFault::TooLarge));
    }
    let mut text = Zeroizing::new(String::new());
    match file.take(MAX_FILE_BYTES).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(refuse(KeyFault::NotPem)),
        result => result.map(|_| (text, metadata)).map_err(fail),
    }
}

fn refused(path: &Path, reason: Reason) -> KeyError {
    let fault = match reason {
        Reason::WritableByOthers(mode) | Reason::ReadableByOthers(mode) => KeyFault::Exposed { mode },
        Reason::ForeignOwner(uid) => KeyFault::ForeignOwner { uid },
        Reason::Symlink => KeyFault::SymbolicLink,
        Reason::NotAFile => KeyFault::NotAFile,
        Reason::Unreadable(source) => return KeyError::Io { path: path.to_owned(), source },
        other => return KeyError::Io { path: path.to_owned(), source: io::Error::other(other.to_string()) },
    };
    KeyError::File { file: path.to_owned(), fault }
}

fn modified(metadata: &Metadata) -> Timestamp {
    let epoch = Timestamp::from_seconds(0);
    let since = metadata.modified().ok().and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    since.map_or(epoch, |duration| epoch.plus(duration))
}
