//! Why there is no answer of a plugin for now.

use std::time::Duration;

use thiserror::Error;

/// Why there is no answer for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unavailability {
    /// It took too long.
    #[error("it did not answer in time")]
    Timeout,
    /// Too many calls are waiting.
    #[error("too many calls are waiting")]
    QueueFull,
    /// The wait for a turn took the time that there was, or so much of it that the plugin had too little.
    #[error("it was busy with other calls for too long")]
    QueueTimeout,
    /// Every thread is in a call that has had its time.
    #[error("all its threads hang")]
    Stuck,
    /// It says so.
    #[error("it asks to try later")]
    Retry,
    /// Its process ended while it was asked.
    #[error("its process ended")]
    Crashed,
    /// Its process ends again and again, and the next is not there yet.
    #[error("its process is to be started again")]
    Restarting,
    /// It is not asked, for as long as this.
    #[error("it has failed too often and is given a rest")]
    Open(Duration),
    /// The host is closing.
    #[error("the service is ending")]
    Closed,
}
