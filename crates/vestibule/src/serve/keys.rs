//! The key ring of a run.

use std::path::Path;

use vestibule_domain::Timestamp;
use vestibule_tokens::{KeyError, KeyRing, generate_key};

use crate::failure::Failure;
use crate::settings::KeySource;

/// Loads the keys. In development a missing key is made; otherwise its absence stops the start, because a key that
/// appears by itself on one of several replicas is worse than none.
pub(crate) fn load(source: &KeySource, now: Timestamp, dev: bool) -> Result<KeyRing, Failure> {
    match source {
        KeySource::Pem { private, public } => {
            KeyRing::from_pem(private, public.as_deref()).map_err(Failure::while_doing("PRIVATE_KEY"))
        }
        KeySource::Folder(folder) => load_folder(folder, now, dev),
    }
}

fn load_folder(folder: &Path, now: Timestamp, dev: bool) -> Result<KeyRing, Failure> {
    match KeyRing::load_dir(folder, now) {
        Err(KeyError::NoKeys { .. }) if dev => {
            generate_key(folder, now, now).map_err(Failure::while_doing("a key for development"))?;
            KeyRing::load_dir(folder, now).map_err(Failure::while_doing("KEYS_DIR"))
        }
        Err(error @ KeyError::NoKeys { .. }) => {
            Err(Failure::new(format_args!("{error}; run `vestibule keys generate`, or set PRIVATE_KEY")))
        }
        other => other.map_err(Failure::while_doing("KEYS_DIR")),
    }
}
