//! A disk that a test lets fail, under a program that knows nothing of it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::TestDatabase;

/// The disk under the files of one SQLite database. It needs no rights and no file system of its own: the program is
/// started with a small library (`disk_shim.c`) in front of the C library, which does what the first bytes of a file say.
#[derive(Debug)]
pub struct FaultyDisk {
    directory: TempDir,
    database: PathBuf,
    control: File,
}

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// There is no room: ENOSPC.
    Full = 1,
    /// Nothing can be written: EIO.
    Broken = 2,
    /// The file system allows no change, as after a fault of its own: EROFS.
    ReadOnly = 3,
    /// Writing seems to succeed, but what was written does not reach the disk: EIO when waiting for it.
    BrokenSync = 4,
}

impl FaultyDisk {
    /// The disk under a database. It is well, so far.
    ///
    /// # Panics
    ///
    /// When the database is not SQLite.
    pub fn under(database: &TestDatabase) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("durable")).expect("a folder in it");
        let path = directory.path().join("control");
        let control =
            File::options().read(true).write(true).create_new(true).open(path).expect("a file in it");
        control.set_len(16).expect("a writable file");
        let database = database.file().expect("a database in a file");
        let folder = database.parent().expect("it lies in a folder").canonicalize().expect("which is there");
        let database = folder.join(database.file_name().expect("it has a name"));
        Self { directory, database, control }
    }

    /// From now on the disk has this fault.
    pub fn break_with(&self, fault: DiskFault) {
        self.set(fault as i32);
    }

    /// From now on the disk is well.
    pub fn mend(&self) {
        self.set(0);
    }

    /// How often the program has waited for what it wrote to reach the disk.
    pub fn syncs(&self) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, 8).expect("a readable file");
        u64::from_ne_bytes(bytes)
    }

    /// Puts the files back to what had reached the disk, after the program was killed: a power loss.
    pub fn lose_power(&self) {
        let folder = self.database.parent().expect("it lies in a folder");
        for entry in fs::read_dir(folder).expect("the database's folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("a file");
        }
        for name in self.durable_names() {
            fs::copy(self.durable().join(&name), folder.join(&name)).expect("room for a copy");
        }
    }

    /// A copy that was not finished begins with a dot.
    fn durable_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.durable()).expect("our folder");
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    fn durable(&self) -> PathBuf {
        self.directory.path().join("durable")
    }

    /// The environment that puts a program on this disk.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("LD_PRELOAD", Path::new(env!("DISK_SHIM")).to_owned()),
            ("DISK_SHIM_FILES", self.database.clone()),
            ("DISK_SHIM_CONTROL", self.directory.path().join("control")),
            ("DISK_SHIM_DURABLE", self.durable()),
        ]
    }

    fn set(&self, fault: i32) {
        self.control.write_all_at(&fault.to_ne_bytes(), 0).expect("a writable file");
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn writes(disk: &FaultyDisk, script: &str) -> (bool, String) {
        let file = &disk.database;
        let script = format!("import os; f = os.open({file:?}, os.O_RDWR | os.O_CREAT); {script}");
        let output = Command::new("python3").args(["-c", &script]).envs(disk.environment()).output();
        let output = output.expect("python3 runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn each_fault_is_what_the_program_meets_and_passes_when_the_disk_is_mended() {
        let database = TestDatabase::sqlite();
        let disk = FaultyDisk::under(&database);
        assert!(writes(&disk, "os.write(f, b'kept'); os.fsync(f)").0);
        assert_eq!(disk.syncs(), 1);
        for (fault, words) in [
            (DiskFault::Full, "No space left"),
            (DiskFault::Broken, "Input/output error"),
            (DiskFault::ReadOnly, "Read-only file system"),
            (DiskFault::BrokenSync, "Input/output error"),
        ] {
            disk.break_with(fault);
            let (succeeded, error) = writes(&disk, "os.write(f, b'lost'); os.fsync(f)");
            assert!(!succeeded && error.contains(words), "{fault:?}: {error}");
        }
        disk.mend();
        assert!(writes(&disk, "os.write(f, b'kept')").0);
    }

    #[test]
    fn a_power_loss_takes_what_was_not_waited_for() {
        let database = TestDatabase::sqlite();
        let disk = FaultyDisk::under(&database);
        assert!(writes(&disk, "os.write(f, b'kept'); os.fsync(f); os.write(f, b' and lost')").0);
        assert_eq!(fs::read_to_string(&disk.database).unwrap(), "kept and lost");
        disk.lose_power();
        assert_eq!(fs::read_to_string(&disk.database).unwrap(), "kept");
    }
}
