//! An open file, locked against other writers.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How often a lock that is taken is tried again. It is held for the length of one write.
const PAUSE: Duration = Duration::from_millis(1);

/// Ours until it is dropped. The lock belongs to the opened file, not to the process, so it also keeps apart two instances
/// in one process.
pub(crate) struct LockedFile(File);

impl LockedFile {
    /// Waits for the lock, but not beyond the deadline.
    pub(crate) fn lock(file: File, deadline: Instant) -> io::Result<Self> {
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "another writer does not give it free",
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Appends a line with one write: all of it or nothing. What is there and does not end a line, such as what another
    /// program left when the disk was full, is ended first, so that it costs no more than itself.
    pub(crate) fn append(&self, line: &[u8]) -> io::Result<()> {
        let size = self.metadata()?.len();
        let healed;
        let text = if self.is_torn(size)? {
            healed = [b"\n", line].concat();
            healed.as_slice()
        } else {
            line
        };
        let written = write_once(&self.0, text).and_then(|written| complete(written, text.len()));
        if written.is_err() {
            // If this fails too, the next line heals it.
            self.0.set_len(size).ok();
        }
        written
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn is_torn(&self, size: u64) -> io::Result<bool> {
        let Some(last) = size.checked_sub(1) else { return Ok(false) };
        let mut byte = [b'\n'];
        self.0.read_at(&mut byte, last)?;
        Ok(byte != *b"\n")
    }
}

impl Drop for LockedFile {
    /// In so many words: a process that is being forked right now holds the file open a little longer, and the lock with it.
    fn drop(&mut self) {
        flock(&self.0, FlockOperation::Unlock).ok();
    }
}

fn write_once(mut file: &File, text: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(text) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => return written,
        }
    }
}

fn complete(written: usize, wanted: usize) -> io::Result<()> {
    if written == wanted {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::StorageFull, "there is no room for a whole line"))
    }
}
