//! The file at a path, whichever that is at the moment: it is opened for each line, so it may be moved away at any time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::Instant;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use vestibule_plugin_sdk::Logger;

use crate::locked::LockedFile;
use crate::rotation::Rotation;

/// More than a line has.
const ROOM: u64 = 4096;

pub(crate) struct AuditFile {
    pub(crate) path: PathBuf,
    pub(crate) rotation: Option<Rotation>,
    pub(crate) fsync: bool,
}

impl AuditFile {
    /// Appends a line, after a rotation if it would not fit.
    pub(crate) fn append(&self, line: &[u8], deadline: Instant, log: Logger) -> io::Result<()> {
        let file = self.with_room(line, deadline, log)?;
        file.append(line)?;
        if self.fsync { self.sync(&file, line) } else { Ok(()) }
    }

    /// Whether a line could be written; with `room`, also whether the disk has room for one.
    pub(crate) fn check(&self, room: bool) -> io::Result<()> {
        let file = self.open()?;
        if !room {
            return Ok(());
        }
        let size = file.metadata()?.len();
        match fallocate(&file, FallocateFlags::KEEP_SIZE, size, ROOM) {
            // Not every file system can say.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A file that cannot be rotated takes the line all the same: better too large than lost.
    fn with_room(&self, line: &[u8], deadline: Instant, log: Logger) -> io::Result<LockedFile> {
        loop {
            let file = self.lock(deadline)?;
            let size = file.metadata()?.len();
            let Some(rotation) = self.rotation.filter(|rotation| size > 0 && !rotation.has_room(size, line))
            else {
                return Ok(file);
            };
            if let Err(error) = rotation.rotate(&self.path) {
                log.error(&format!("{} cannot be rotated and grows: {error}", self.path.display()));
                return Ok(file);
            }
        }
    }

    /// Locks the file that is at the path once the lock is ours. While we waited another writer may have rotated, or another
    /// program have moved the file.
    fn lock(&self, deadline: Instant) -> io::Result<LockedFile> {
        loop {
            let file = LockedFile::lock(self.open()?, deadline)?;
            if self.is_current(&file)? {
                return Ok(file);
            }
        }
    }

    fn is_current(&self, file: &LockedFile) -> io::Result<bool> {
        let ours = file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens or makes the file. Neither a link, which would let others choose where the lines go, nor anything else that
    /// is not a file is taken; a pipe without a reader would hang but for `NONBLOCK`.
    fn open(&self) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(&self.path);
        let file = file.map_err(explain_link)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
    }

    /// Brings a line to the disk, and with the first line of a file also its name.
    fn sync(&self, file: &LockedFile, line: &[u8]) -> io::Result<()> {
        file.sync()?;
        match self.path.parent() {
            Some(folder) if file.metadata()?.len() == line.len() as u64 => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn explain_link(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return io::Error::other("it is a symbolic link");
    }
    error
}
