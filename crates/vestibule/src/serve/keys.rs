//! The key ring of a run.

use std::path::{Path, PathBuf};

use vestibule_domain::Timestamp;
use vestibule_tokens::{DirState, KeyError, KeyRing, dir_state, generate_key};

use crate::error::CommandError;
use crate::settings::KeySource;

/// The keys, and where more of them may appear.
pub(crate) struct LoadedKeys {
    pub(crate) ring: KeyRing,
    pub(crate) folder: Option<KeyFolder>,
}

/// A folder and what it looked like before its keys were read: whatever changes later is noticed.
pub(crate) struct KeyFolder {
    pub(crate) path: PathBuf,
    pub(crate) state: Option<DirState>,
}

/// Loads the keys. In development a missing key is made; otherwise its absence stops the start, because a key that
/// appears by itself on one of several replicas is worse than none.
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

/// Which of the two that make a key of the settings is wrong.
fn setting_of(error: &KeyError) -> &'static str {
    if let KeyError::PublicKey(_) = error { "PUBLIC_KEY" } else { "PRIVATE_KEY" }
}

fn generate_if_none(folder: &Path, now: Timestamp) -> Result<(), CommandError> {
    if let Err(KeyError::Empty { .. }) = KeyRing::load_dir(folder, now) {
        generate_key(folder, now, now)
            .map_err(CommandError::while_doing("KEYS_DIR: a key for development"))?;
    }
    Ok(())
}

fn load_folder(folder: &Path, now: Timestamp) -> Result<KeyRing, CommandError> {
    KeyRing::load_dir(folder, now).map_err(|error| match error {
        KeyError::Empty { .. } => CommandError::new(format_args!(
            "KEYS_DIR: {error}; run `vestibule keys generate`, or set PRIVATE_KEY"
        )),
        other => CommandError::while_doing("KEYS_DIR")(other),
    })
}
