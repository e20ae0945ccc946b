//! What all commands need: output, and a runtime.

use std::fmt::Display;
use std::future::Future;
use std::io::Write as _;

use crate::error::CommandError;

/// Writes a line to standard output. A reader that has gone away is no error.
pub(super) fn say(line: impl Display) -> Result<(), CommandError> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes a line to standard error: what is to be read beside a result that goes elsewhere.
pub(super) fn note(line: impl Display) -> Result<(), CommandError> {
    match writeln!(std::io::stderr(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs a task to its end.
pub(super) fn block_on<T>(task: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(task)
}

/// A text, or a dash where it is empty.
pub(super) fn or_none(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
