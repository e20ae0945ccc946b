//! Why a worker gave no answer.

use std::fmt;
use std::io;
use std::process::ExitStatus;

use thiserror::Error;
use vestibule_plugin_sdk as sdk;

use crate::message::Exception;

/// Why a worker gave no answer. The texts are for the operator.
#[derive(Debug, Error)]
pub(crate) enum WorkerError {
    #[error("no worker was free in time")]
    Busy,
    #[error("no worker was ready in time")]
    Slow,
    #[error("no worker can be started: {0}")]
    NotStarted(String),
    #[error("the interpreter cannot be run: {0}")]
    Spawn(io::Error),
    #[error("{function} did not answer in time; its worker is killed")]
    Hung { function: &'static str },
    #[error("the worker ended in {function}: {status}")]
    Ended { function: &'static str, status: ExitStatus },
    #[error("the worker said something that is no answer")]
    Rubbish,
    #[error("the answer of {function} cannot be used: {reason}")]
    Unfit { function: &'static str, reason: String },
    #[error("{function} raised {exception}")]
    Raised { function: &'static str, exception: Exception },
    #[error("the question is too large to be sent to a worker")]
    TooLarge,
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

impl From<WorkerError> for sdk::Error {
    fn from(error: WorkerError) -> Self {
        match &error {
            WorkerError::Busy | WorkerError::Slow | WorkerError::NotStarted(_) | WorkerError::Hung { .. } => {
                Self::retry(error)
            }
            WorkerError::Raised { exception, .. } if exception.retry => Self::retry(error),
            WorkerError::Spawn(_)
            | WorkerError::Ended { .. }
            | WorkerError::Rubbish
            | WorkerError::Unfit { .. }
            | WorkerError::Raised { .. }
            | WorkerError::TooLarge
            | WorkerError::Thread(_) => Self::fatal(error),
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind)?;
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        self.frames.last().map_or(Ok(()), |frame| write!(formatter, " ({frame})"))
    }
}
