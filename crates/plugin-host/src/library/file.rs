//! The file of a library: who may have written it, and what exactly is loaded.
//!
//! The file is opened once. What is checked, hashed, compared with the pin and loaded are the same bytes, so nobody can put
//! others in between; and a file that is overwritten later does not pull the code away under running threads.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::elf;
use crate::error::LoadFault;

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const PERMISSION_BITS: u32 = 0o7777;

/// A library's bytes, from a file that only root or our own user may write.
pub(crate) struct CheckedFile {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: [u8; 32],
}

impl CheckedFile {
    /// Reads the file at an absolute path.
    pub(crate) fn read(path: &Path) -> Result<Self, LoadFault> {
        let mut file = open(path)?;
        check_rights(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(LoadFault::Unreadable)?;
        elf::check(&bytes).map_err(LoadFault::NotALibrary)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest::digest(&digest::SHA256, &bytes).as_ref());
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// A path under which the dynamic loader finds the checked bytes: a sealed file in memory.
    pub(super) fn to_loadable(&self) -> Result<PathBuf, LoadFault> {
        self.copy_to_memory().map_err(LoadFault::Copy)
    }

    #[cfg(target_os = "linux")]
    fn copy_to_memory(&self) -> io::Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default();
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know EXEC; later ones may want it.
        let memory = memfd_create(name, flags | MemfdFlags::EXEC).or_else(|_| memfd_create(name, flags))?;
        let mut memory = File::from(memory);
        memory.write_all(&self.bytes)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&memory, seals)?;
        // OWNERSHIP: never closed. The loader knows libraries by their path: if the number were given to another file, it
        // would take that file for this library.
        Ok(PathBuf::from(format!("/proc/self/fd/{}", memory.into_raw_fd())))
    }

    #[cfg(not(target_os = "linux"))]
    fn copy_to_memory(&self) -> io::Result<PathBuf> {
        Ok(self.path.clone())
    }
}

/// Opens without following a link, and without waiting for the other end of a pipe.
fn open(path: &Path) -> Result<File, LoadFault> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => LoadFault::Symlink,
        _ => LoadFault::Unreadable(error),
    })
}

fn check_rights(file: &File) -> Result<(), LoadFault> {
    let metadata = file.metadata().map_err(LoadFault::Unreadable)?;
    if !metadata.is_file() {
        return Err(LoadFault::NotAFile);
    }
    if metadata.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return Err(LoadFault::WritableByOthers(metadata.mode() & PERMISSION_BITS));
    }
    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(LoadFault::ForeignOwner(owner));
    }
    Ok(())
}
