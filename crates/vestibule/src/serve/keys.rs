//! The signing keys of a run.

use std::path::{Path, PathBuf};

use vestibule_domain::Timestamp;
use vestibule_tokens::{DirState, KeyError, KeyRing, dir_state, generate_key};

use crate::error::CommandError;
use crate::settings::KeySource;
use crate::settings::table::{KEYS_DIR, PRIVATE_KEY, PUBLIC_KEY};

/// The keys, and the folder in which more of them may appear.
pub(crate) struct LoadedKeys {
    pub(crate) ring: KeyRing,
    pub(crate) folder: Option<KeyFolder>,
}

/// A folder, and its state before its keys were read, so that every later change is noticed.
#[derive(Clone)]
pub(crate) struct KeyFolder {
    pub(crate) path: PathBuf,
    pub(crate) state: Option<DirState>,
}

/// Loads the keys. In development a missing key is made. Otherwise a missing key stops the start: a key that one of several
/// replicas made for itself would be worse than none.
pub(crate) fn load(source: &KeySource, now: Timestamp, dev: bool) -> Result<LoadedKeys, CommandError> {
    match source {
        KeySource::Pem { private, public } => {
            let ring = KeyRing::from_pem(private, public.as_deref());
            let ring = ring.map_err(|error| CommandError::while_doing(setting_of(&error))(error))?;
            Ok(LoadedKeys { ring, folder: None })
        }
        KeySource::Folder(folder) => {
            if dev {
                generate_if_none(folder, now)?;
            }
            let state = dir_state(folder).ok();
            let ring = load_folder(folder, now)?;
            Ok(LoadedKeys { ring, folder: Some(KeyFolder { path: folder.clone(), state }) })
        }
    }
}

/// The setting to blame: a key of the settings has two.
fn setting_of(error: &KeyError) -> &'static str {
    if let KeyError::PublicKey(_) = error { PUBLIC_KEY.name() } else { PRIVATE_KEY.name() }
}

fn generate_if_none(folder: &Path, now: Timestamp) -> Result<(), CommandError> {
    if let Err(KeyError::Empty { .. }) = KeyRing::load_dir(folder, now) {
        let doing = format!("{}: a key for development", KEYS_DIR.name());
        generate_key(folder, now, now).map_err(CommandError::while_doing(&doing))?;
    }
    Ok(())
}

fn load_folder(folder: &Path, now: Timestamp) -> Result<KeyRing, CommandError> {
    KeyRing::load_dir(folder, now).map_err(|error| match error {
        KeyError::Empty { .. } => {
            let (setting, other) = (KEYS_DIR.name(), PRIVATE_KEY.name());
            CommandError::new(format_args!(
                "{setting}: {error}; run `vestibule keys generate`, or set {other}"
            ))
        }
        other => CommandError::while_doing(KEYS_DIR.name())(other),
    })
}
