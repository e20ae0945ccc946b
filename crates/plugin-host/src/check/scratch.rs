//! A folder for what a plugin writes when it is given nonsense for a path.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use vestibule_domain::{SecureRandom, SystemRandom};

/// A folder of our own, which is removed with all that is in it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        // No other process can create all of these first.
        let randomness: &dyn SecureRandom = &SystemRandom;
        let unforeseen = u64::from_ne_bytes(randomness.bytes());
        let folder = std::env::temp_dir().join(format!("vestibule-check-{unforeseen:016x}"));
        // Fails if the folder exists, so it is ours alone.
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What a plugin has made unremovable stays in the folder for such things.
        fs::remove_dir_all(&self.0).ok();
    }
}
