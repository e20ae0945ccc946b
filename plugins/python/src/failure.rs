//! Why there is no answer.

use std::fmt;
use std::io;
use std::process::ExitStatus;

use thiserror::Error;
use vestibule_plugin_sdk as sdk;

use crate::message::Exception;

/// Why there is no answer. The texts are for the operator.
#[derive(Debug, Error)]
pub(crate) enum Failure {
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
    #[error("the user is too large to be sent to a worker")]
    TooLarge,
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

impl From<Failure> for sdk::Error {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Busy | Failure::Slow | Failure::NotStarted(_) | Failure::Hung { .. } => {
                Self::retry(failure)
            }
            Failure::Raised { exception, .. } if exception.retry => Self::retry(failure),
            Failure::Spawn(_)
            | Failure::Ended { .. }
            | Failure::Rubbish
            | Failure::Unfit { .. }
            | Failure::Raised { .. }
            | Failure::TooLarge
            | Failure::Thread(_) => Self::fatal(failure),
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
