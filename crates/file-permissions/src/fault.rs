//! What is wrong with a file, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file is not used: which, and the reason.
#[derive(Debug)]
pub struct Fault {
    path: PathBuf,
    reason: Reason,
}

impl Fault {
    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The same without the file.
    pub fn into_reason(self) -> Reason {
        self.reason
    }

    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(&self.reason, Reason::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for Fault {}

/// What is wrong with a file or with a folder on the way to it.
#[derive(Debug, Error)]
pub enum Reason {
    /// The operating system does not let us.
    #[error("{0}")]
    Unreadable(io::Error),
    /// It is a symbolic link: what that leads to may change unseen.
    #[error("is a symbolic link; name the file itself")]
    Symlink,
    /// One link leads to the next without end.
    #[error("is behind too many symbolic links")]
    TooManyLinks,
    /// A folder, a pipe, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Longer than anything that it could be.
    #[error("is too large")]
    TooLarge,
    /// Others than the owner may change it.
    #[error(
        "may be written by its group or by everybody (mode {0:04o}); take the right away with chmod go-w"
    )]
    WritableByOthers(u32),
    /// Others than the owner may read it, and it is secret.
    #[error(
        "is secret and may be read by its group or by everybody (mode {0:04o}); take the right away with chmod go-rwx (if it belongs \
        to root, its group may read it)"
    )]
    ReadableByOthers(u32),
    /// What belongs to it and lies beside it is not as it should be.
    #[error("{0}: {1}")]
    Beside(&'static str, Box<Reason>),
    /// Neither root nor the user we run as owns it.
    #[error("belongs to the user {0}; it must belong to root or to the user that the service runs as")]
    ForeignOwner(u32),
    /// Others may put files into a folder on the way to it, or take some out.
    #[error(
        "is in a folder where others may change files: {} (mode {mode:04o}); {}",
        .folder.display(), way_out(*mode)
    )]
    FolderWritableByOthers {
        /// The folder, itself or further up.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Neither root nor the user we run as owns a folder on the way to it, or a link.
    #[error(
        "is in a folder of the user {owner}: {}; it must belong to root or to the user that the service runs as",
        .folder.display()
    )]
    FolderForeign {
        /// The folder, itself or further up.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Neither root nor the user we run as has made a link on the way to it.
    #[error(
        "is behind a link of the user {owner}: {}; it must belong to root or to the user that the service runs as",
        .link.display()
    )]
    LinkForeign {
        /// The link.
        link: PathBuf,
        /// Its owner.
        owner: u32,
    },
}

impl Reason {
    pub(crate) fn of(self, path: &Path) -> Fault {
        Fault { path: path.to_owned(), reason: self }
    }
}

/// A shared folder, such as `/tmp`, has to stay writable.
fn way_out(mode: u32) -> &'static str {
    if mode & crate::STICKY == 0 {
        "take the right away with chmod go-w"
    } else {
        "put it into a folder of its own"
    }
}
