//! Where lines go.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vestibule_plugin_sdk::{Error, Logger, Result};

use crate::file::AuditFile;
use crate::stdout;

pub(crate) enum Target {
    File {
        file: AuditFile,
        /// Whether the last line could not be written.
        failing: AtomicBool,
    },
    Stdout,
}

impl Target {
    pub(crate) fn file(file: AuditFile) -> Self {
        Self::File { file, failing: AtomicBool::new(false) }
    }

    /// Writes a line within the time, or says why not.
    pub(crate) fn write(&self, line: &[u8], time: Duration, log: Logger) -> Result<()> {
        // An answer that comes too late is as good as none, so a little of the time is kept for it.
        let deadline = Instant::now() + time.mul_f64(0.9);
        match self {
            Self::File { file, failing } => {
                let written = file.append(line, deadline, log);
                failing.store(written.is_err(), Ordering::Relaxed);
                written.map_err(|error| self.explain(&error))
            }
            Self::Stdout => stdout::append(line, deadline).map_err(|error| self.explain(&error)),
        }
    }

    /// Whether a line could be written now.
    pub(crate) fn check(&self) -> Result<()> {
        let checked = match self {
            Self::File { file, failing } => file.check(failing.load(Ordering::Relaxed)),
            Self::Stdout => stdout::check(),
        };
        checked.map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &io::Error) -> Error {
        match self {
            Self::File { file, .. } => Error::retry(format!("{}: {error}", file.path.display())),
            Self::Stdout => Error::retry(format!("standard output: {error}")),
        }
    }
}
