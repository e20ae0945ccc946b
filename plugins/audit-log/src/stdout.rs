//! Standard output, which others in the process write to as well.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};

/// One line at a time: a pipe keeps lines of up to 4 KiB whole by itself, longer ones it does not.
static LINE: Mutex<()> = Mutex::new(());

/// Writes a line, with one write unless the reader is slow.
pub(crate) fn append(mut line: &[u8], deadline: Instant) -> io::Result<()> {
    let _guard = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    while !line.is_empty() {
        wait_for_reader(deadline.saturating_duration_since(Instant::now()))?;
        match write(rustix::stdio::stdout(), line) {
            Ok(written) => line = line.get(written..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether standard output is open.
pub(crate) fn check() -> io::Result<()> {
    match wait_for_reader(Duration::ZERO) {
        Err(error) if error.kind() != io::ErrorKind::TimedOut => Err(error),
        _ => Ok(()),
    }
}

fn wait_for_reader(time: Duration) -> io::Result<()> {
    let stdout = rustix::stdio::stdout();
    let mut ready = [PollFd::new(&stdout, PollFlags::OUT)];
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(&mut ready, Some(&time)) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")),
        Ok(_) if ready.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::NVAL)) => {
            Err(Errno::PIPE.into())
        }
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
