//! A full file makes place: `audit.jsonl` becomes `audit.jsonl.1`, which was `.2` before it, and so on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[derive(Clone, Copy)]
pub(crate) struct Rotation {
    /// A file that would become larger is rotated first.
    pub(crate) max_bytes: u64,
    /// How many old files stay; the one before those is lost.
    pub(crate) keep: u32,
}

impl Rotation {
    /// Whether a file of this size may take the line.
    pub(crate) fn has_room(self, size: u64, line: &[u8]) -> bool {
        size.saturating_add(line.len() as u64) <= self.max_bytes
    }

    /// Moves the files on.
    ///
    /// INVARIANT: the caller holds the lock of the file at `path`. Another process that wants to rotate waits for that lock and then
    /// finds that its file is no longer the one at `path`; so the current file goes last.
    pub(crate) fn rotate(self, path: &Path) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            rename(&numbered(path, number), &numbered(path, number + 1))?;
        }
        rename(path, &numbered(path, 1))
    }
}

/// A file that is not there need not move.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}
