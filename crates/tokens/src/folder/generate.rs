//! Making a new key and putting its file into the folder, whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;
use vestibule_domain::Timestamp;
use vestibule_file_permissions::Rule;

use super::{KeyInfo, name};
use crate::key::PublicKey;
use crate::{KeyError, KeyState};

const BITS: usize = 2048;

/// Makes an RSA key of 2048 bits and writes it into the folder, which is made if it is missing. The file is of mode 0600,
/// complete before it has its name, on the disk before this returns, and never replaces another.
///
/// The state that is told leaves other keys of the folder out of account.
pub fn generate_key(dir: &Path, active_from: Timestamp, now: Timestamp) -> Result<KeyInfo, KeyError> {
    let key = RsaPrivateKey::new(&mut OsRng, BITS).map_err(|_| KeyError::Generation)?;
    let public = key.to_public_key().to_pkcs1_der().map_err(|_| KeyError::Generation)?;
    let public = PublicKey::from_pkcs1(public.as_bytes()).map_err(|_| KeyError::Generation)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Generation)?;
    let name = name::of(active_from, public.kid()).ok_or(KeyError::ActivationTime)?;

    let file = dir.join(&name);
    create_folder(dir).map_err(|source| KeyError::Io { path: dir.to_owned(), source })?;
    Rule::DECIDES.check_folder(dir).map_err(KeyError::Folder)?;
    write_new(dir, &name, pem.as_bytes()).map_err(|source| KeyError::Io { path: file.clone(), source })?;
    Ok(KeyInfo {
        kid: public.kid().to_owned(),
        file,
        bits: public.bits(),
        active_from: Timestamp::from_seconds(active_from.seconds()),
        state: if active_from <= now { KeyState::Signing } else { KeyState::Next },
    })
}

fn create_folder(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes beside the final name and then links: a reader of the folder sees the whole file or none, also after a crash.
pub(super) fn write_new(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let partial = dir.join(format!(".{name}.partial"));
    let written = write_synced(&partial, content).and_then(|()| fs::hard_link(&partial, dir.join(name)));
    let removed = fs::remove_file(&partial);
    written.and(removed)?;
    File::open(dir)?.sync_all()
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
