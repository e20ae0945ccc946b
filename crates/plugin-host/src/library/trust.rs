//! Who may change a library: nobody but root and the user that the service runs as.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::LoadFault;

pub(super) const PERMISSION_BITS: u32 = 0o7777;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
/// In a folder with this bit, files are renamed and removed by their owners alone.
const STICKY: u32 = 0o1000;

/// Whose right to write does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trust {
    /// That of the owner.
    #[default]
    Owner,
    /// That of the owner and the group: what a developer has built, on systems where files are made like that.
    Group,
}

impl Trust {
    pub(super) fn must_not_write(self) -> u32 {
        match self {
            Self::Owner => GROUP_OR_OTHERS_WRITE,
            Self::Group => OTHERS_WRITE,
        }
    }

    /// Looks at a folder, whose path has no links in it, and at all folders above it. Above it, one in which everybody keeps
    /// files, as in `/tmp`, does no harm.
    pub(crate) fn check_folder(self, folder: &Path) -> Result<(), LoadFault> {
        for (height, folder) in folder.ancestors().enumerate() {
            let metadata = fs::symlink_metadata(folder).map_err(LoadFault::Unreadable)?;
            let harmless = height > 0 && metadata.mode() & STICKY != 0;
            if metadata.mode() & self.must_not_write() != 0 && !harmless {
                let mode = metadata.mode() & PERMISSION_BITS;
                return Err(LoadFault::FolderWritableByOthers { folder: folder.to_owned(), mode });
            }
            if is_foreign(metadata.uid()) {
                return Err(LoadFault::FolderForeign { folder: folder.to_owned(), owner: metadata.uid() });
            }
        }
        Ok(())
    }
}

/// Neither root's nor ours.
pub(super) fn is_foreign(owner: u32) -> bool {
    owner != 0 && owner != rustix::process::geteuid().as_raw()
}
