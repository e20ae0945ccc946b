//! Who may write the files that decide, and who may read those that are secret.
//!
//! **Owns** the one rule about settings, secrets, keys, certificates, libraries and the database: such a file, and every folder
//! on the way to it, belongs to root or to the user of this process, and no other user may change it. **Does not own** what
//! is in a file, nor which files there are.
//!
//! To put another kind of file under the rule: [`Rule::open`], or [`Rule::check_folder`] and [`Rule::open_in_folder`] where all files of a folder count.
//!
//! INVARIANT: a path that has passed leads to the same file for as long as only root and our own user act. Every folder on
//! it can be changed by these two alone, and in one with the sticky bit no other user can remove what is ours or root's; the
//! file is looked at once it is open.

mod fault;
mod groups;
mod reach;
mod walk;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

pub use fault::{Fault, Reason};

const ROOT: u32 = 0;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
/// In a folder with this bit, files are renamed and removed by their owners alone.
const STICKY: u32 = 0o1000;
const PERMISSION_BITS: u32 = 0o7777;
/// Longer than any settings, key or certificate.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Whose right to write does no harm, besides that of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writers {
    /// None.
    Owner,
    /// The right of a group whose only member is our user, as OpenSSH takes it on Debian: a user's private group, and the group
    /// that Kubernetes gives a volume.
    #[default]
    OwnGroup,
    /// That of any group: for development, on systems where files are made like that.
    AnyGroup,
}

/// What is demanded of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    writers: Writers,
    is_secret: bool,
    refuses_links: bool,
}

impl Rule {
    /// For what decides: others may read it, and not write it.
    pub const DECIDES: Self = Self { writers: Writers::OwnGroup, is_secret: false, refuses_links: false };
    /// For what decides and is secret: others may neither write nor read it.
    pub const SECRET: Self = Self { is_secret: true, ..Self::DECIDES };

    /// The same with others who may write.
    #[must_use]
    pub const fn with_writers(self, writers: Writers) -> Self {
        Self { writers, ..self }
    }

    /// The same for a file that must not be a symbolic link. Elsewhere links are followed, and looked at like folders.
    #[must_use]
    pub const fn without_links(self) -> Self {
        Self { refuses_links: true, ..self }
    }

    /// Opens a file for reading, if it and the way to it are as they should be.
    pub fn open(self, path: &Path) -> Result<File, Fault> {
        let real = self.find(path)?;
        self.open_in_folder(&real).map_err(|fault| fault.into_reason().of(path))
    }

    /// The whole of a file that is a text, with its blanks.
    pub fn read(self, path: &Path) -> Result<String, Fault> {
        let unreadable = |error| Reason::Unreadable(error).of(path);
        let mut text = String::new();
        let read = self.open(path)?.take(MAX_TEXT_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if read as u64 > MAX_TEXT_BYTES { Err(Reason::TooLarge.of(path)) } else { Ok(text) }
    }

    /// Looks at an open file, whatever way led to it.
    pub fn check_opened(self, file: &File) -> Result<(), Reason> {
        self.check(&file.metadata().map_err(Reason::Unreadable)?)
    }

    /// The same, of what the system says about it.
    pub fn check(self, metadata: &Metadata) -> Result<(), Reason> {
        if !metadata.is_file() {
            return Err(Reason::NotAFile);
        }
        if is_foreign(metadata.uid()) {
            return Err(Reason::ForeignOwner(metadata.uid()));
        }
        let mode = metadata.mode() & PERMISSION_BITS;
        if self.is_written_by_others(metadata) {
            return Err(Reason::WritableByOthers(mode));
        }
        if self.is_secret && mode & must_not_read(metadata.uid()) != 0 {
            return Err(Reason::ReadableByOthers(mode));
        }
        Ok(())
    }

    /// Opens a file in a folder that has been looked at, without looking at the way to it again. Follows no link.
    pub fn open_in_folder(self, path: &Path) -> Result<File, Fault> {
        let file = open_itself(path).map_err(|reason| reason.of(path))?;
        self.check_opened(&file).map_err(|reason| reason.of(path))?;
        Ok(file)
    }

    /// Looks at a folder in which each file is looked at by itself, and at all folders above it; its path without links. A
    /// shared folder with the sticky bit, such as `/tmp`, is accepted.
    pub fn check_folder(self, folder: &Path) -> Result<PathBuf, Fault> {
        let real = walk::resolve(folder, self)?;
        let metadata = real.symlink_metadata().map_err(|error| Reason::Unreadable(error).of(folder))?;
        self.check_on_the_way(&real, &metadata).map_err(|reason| reason.of(folder))?;
        Ok(real)
    }

    /// The same for a folder to which no other user may add a file.
    pub fn check_closed_folder(self, folder: &Path) -> Result<PathBuf, Fault> {
        let real = self.check_folder(folder)?;
        let metadata = real.symlink_metadata().map_err(|error| Reason::Unreadable(error).of(folder))?;
        if self.is_written_by_others(&metadata) {
            let mode = metadata.mode() & PERMISSION_BITS;
            return Err(Reason::FolderWritableByOthers { folder: real, mode }.of(folder));
        }
        Ok(real)
    }

    /// The path of a file without links, when everything on the way to it is as it should be.
    pub fn find(self, path: &Path) -> Result<PathBuf, Fault> {
        if self.refuses_links && path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Reason::Symlink.of(path));
        }
        walk::resolve(path, self)
    }

    fn check_on_the_way(self, folder: &Path, metadata: &Metadata) -> Result<(), Reason> {
        let folder = || folder.to_owned();
        if is_foreign(metadata.uid()) {
            return Err(Reason::FolderForeign { folder: folder(), owner: metadata.uid() });
        }
        if self.is_written_by_others(metadata) && metadata.mode() & STICKY == 0 {
            let mode = metadata.mode() & PERMISSION_BITS;
            return Err(Reason::FolderWritableByOthers { folder: folder(), mode });
        }
        Ok(())
    }

    fn is_written_by_others(self, metadata: &Metadata) -> bool {
        let group = metadata.mode() & GROUP_WRITES != 0
            && match self.writers {
                Writers::Owner => true,
                Writers::OwnGroup => !groups::is_ours_alone(metadata.gid()),
                Writers::AnyGroup => false,
            };
        group || metadata.mode() & OTHERS_WRITE != 0
    }
}

/// Whether others than root and we can get at a file and read it: it lets them, and so does every folder above it.
pub fn is_readable_by_others(path: &Path) -> io::Result<bool> {
    reach::is_readable_by_others(path)
}

/// Other users have no right to a file of ours. A file of root's may be readable by its group: so root hands it to our user.
/// The same is demanded by PostgreSQL.
fn must_not_read(owner: u32) -> u32 {
    if owner == ROOT && our_user() != ROOT { 0o037 } else { 0o077 }
}

/// Without following a link, and without waiting for the other end of a pipe.
fn open_itself(path: &Path) -> Result<File, Reason> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => Reason::Symlink,
        _ => Reason::Unreadable(error),
    })
}

fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Neither root's nor ours.
fn is_foreign(owner: u32) -> bool {
    owner != ROOT && owner != our_user()
}

#[cfg(test)]
mod tests;
