//! The file of a library: who may have written it, and what exactly is loaded.
//!
//! The file is opened once. What is checked, hashed, compared with the pin and loaded are the same bytes, so no one can put
//! others in between; and a file that is overwritten later does not pull the code away under running threads.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use vestibule_file_permissions::{Rule, Writers};

use super::elf;
use crate::error::LoadFault;

/// A library's bytes, from a file that only root or our own user may write.
pub(crate) struct CheckedFile {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: [u8; 32],
}

impl CheckedFile {
    /// Reads the file at an absolute path.
    pub(crate) fn read(path: &Path, writers: Writers) -> Result<Self, LoadFault> {
        let mut file = Rule::DECIDES.with_writers(writers).open_in_folder(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(LoadFault::Unreadable)?;
        elf::check(&bytes).map_err(LoadFault::NotALibrary)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest::digest(&digest::SHA256, &bytes).as_ref());
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// A copy that cannot be changed, from which the checked bytes are loaded.
    pub(crate) fn to_loadable(&self) -> Result<LoadableFile, LoadFault> {
        let copy = self.copy_to_memory().map_err(LoadFault::Copy)?;
        Ok(LoadableFile { path: self.path.clone(), sha256: self.sha256, copy })
    }

    /// A sealed file in memory, named after the library and its contents: debuggers and `/proc` show that name.
    #[cfg(target_os = "linux")]
    fn copy_to_memory(&self) -> io::Result<OwnedFd> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let digest = hex::encode(self.sha256);
        let name = format!("{name}.{}", digest.get(..16).unwrap_or_default());
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know EXEC; later ones may want it.
        let memory = memfd_create(name.as_str(), flags | MemfdFlags::EXEC)
            .or_else(|_| memfd_create(name.as_str(), flags))?;
        let mut memory = File::from(memory);
        memory.write_all(&self.bytes)?;
        seal(&memory)?;
        Ok(memory.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn copy_to_memory(&self) -> io::Result<OwnedFd> {
        File::open(&self.path).map(OwnedFd::from)
    }
}

/// A library that has passed the checks, ready to be loaded, in this process or in a child.
pub(crate) struct LoadableFile {
    path: PathBuf,
    sha256: [u8; 32],
    copy: OwnedFd,
}

impl LoadableFile {
    /// What another process has checked and sent.
    pub(crate) fn from_parts(path: PathBuf, sha256: [u8; 32], copy: OwnedFd) -> Self {
        Self { path, sha256, copy }
    }

    /// Where it came from, for people.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The copy, to send to another process.
    pub(crate) fn copy(&self) -> BorrowedFd<'_> {
        self.copy.as_fd()
    }

    /// A path under which the dynamic loader finds the copy, now and as long as the process lives.
    pub(super) fn keep(&self) -> Result<PathBuf, LoadFault> {
        // OWNERSHIP: never closed. The loader knows libraries by their path: if the number were given to another file, it
        // would take that file for this library.
        let kept = self.copy.try_clone().map_err(LoadFault::Copy)?.into_raw_fd();
        if cfg!(target_os = "linux") {
            Ok(format!("/proc/self/fd/{kept}").into())
        } else {
            Ok(self.path.clone())
        }
    }
}

/// Forbids every change, for good, of a file in memory that is not mapped for writing.
///
/// The kernel calls the file busy while it holds a page of it itself for a moment, as it does when it moves memory about: such
/// a page might still be writable elsewhere. Here it is not, so to forbid all *further* writing says as much, and
/// for that the kernel need not wait. It alone is not enough: Linux before 5.1 does not know it.
#[cfg(target_os = "linux")]
fn seal(memory: &File) -> io::Result<()> {
    let size = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(memory, SealFlags::WRITE | size).or_else(|error| match error {
        rustix::io::Errno::BUSY => fcntl_add_seals(memory, SealFlags::FUTURE_WRITE | size),
        _ => Err(error),
    })?;
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Seek;
    use std::os::unix::fs::FileExt;

    use rustix::fs::fcntl_get_seals;
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    use rustix::pipe::{SpliceFlags, pipe, splice};

    use super::*;

    fn file_in_memory() -> File {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut memory: File = memfd_create("library", flags).unwrap().into();
        memory.write_all(&[7; 16 * 1024]).unwrap();
        memory.rewind().unwrap();
        memory
    }

    /// Neither written, nor mapped for writing, nor made longer or shorter, nor unsealed.
    fn assert_sealed(memory: &File) {
        let refused = |result: io::Result<usize>| {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        };
        refused(memory.write_at(b"x", 0));
        refused(memory.set_len(1).map(|()| 0));
        refused(memory.set_len(1 << 20).map(|()| 0));
        let shared = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: the kernel chooses the address of a mapping that is refused.
        let mapped = unsafe { mmap(std::ptr::null_mut(), 4096, shared.0, shared.1, memory, 0) };
        assert_eq!(mapped.unwrap_err(), rustix::io::Errno::PERM);
        assert!(fcntl_get_seals(memory).unwrap().contains(SealFlags::SEAL));
        assert_eq!(fcntl_add_seals(memory, SealFlags::GROW).unwrap_err(), rustix::io::Errno::PERM);
        let mut start = [0; 4];
        memory.read_exact_at(&mut start, 0).unwrap();
        assert_eq!(start, [7; 4]);
    }

    #[test]
    fn a_copy_is_sealed() {
        let memory = file_in_memory();
        seal(&memory).unwrap();
        assert_sealed(&memory);
    }

    /// A page in a pipe is one that the kernel holds.
    #[test]
    fn a_copy_is_sealed_while_the_kernel_holds_a_page_of_it() {
        let memory = file_in_memory();
        let (reader, writer) = pipe().unwrap();
        let mut start = 0;
        splice(&memory, Some(&mut start), &writer, None, 4096, SpliceFlags::empty()).unwrap();
        let busy = fcntl_add_seals(&memory, SealFlags::WRITE).unwrap_err();
        assert_eq!(busy, rustix::io::Errno::BUSY, "the kernel does not hold the page");
        seal(&memory).unwrap();
        assert_sealed(&memory);
        drop(reader);
    }
}
