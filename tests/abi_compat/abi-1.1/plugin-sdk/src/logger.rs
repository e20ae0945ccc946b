//! The host's log.

use serde::Serialize;
use vestibule_plugin_abi::{self as abi, Str, level};

use crate::current;
use crate::raw::HostRef;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is odd.
    Warn,
    /// Something worth knowing happened.
    Info,
    /// For debugging.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Error => level::ERROR,
            Self::Warn => level::WARN,
            Self::Info => level::INFO,
            Self::Debug => level::DEBUG,
            Self::Trace => level::TRACE,
        }
    }
}

/// Writes into the log of the service, under the alias of the instance. To be copied freely, to any thread.
///
/// What `println!` writes gets there only from a process of the plugin's own, and only so many lines of it. What `log` and `tracing` write gets there with the features of
/// these names, which install a forwarder in the plugin's own copies of their globals:
///
/// * lines that are written during an operation belong to its instance;
/// * lines of other threads belong to the instance that has [taken](Logger::take_thread) the thread, otherwise to the first
///   instance of this plugin in the process, even when it has ended;
/// * the target is kept as the detail `target`, the fields of an event as details, and levels are the same;
/// * spans of `tracing` are left out: the host has one around each call.
#[derive(Clone, Copy)]
pub struct Logger {
    host: HostRef,
    logger: *mut abi::Logger,
}

// SAFETY: the header allows `log` and `log_enabled` on any thread, as long as the process lives.
unsafe impl Send for Logger {}
// SAFETY: as above.
unsafe impl Sync for Logger {}

impl Logger {
    /// INVARIANT: `logger` came with `host` in one call of `create`.
    pub(crate) fn new(host: HostRef, logger: *mut abi::Logger) -> Self {
        Self { host, logger }
    }

    /// Something is broken.
    pub fn error(&self, message: &str) {
        self.write(Level::Error, message, "");
    }

    /// Something is odd.
    pub fn warn(&self, message: &str) {
        self.write(Level::Warn, message, "");
    }

    /// Something worth knowing happened.
    pub fn info(&self, message: &str) {
        self.write(Level::Info, message, "");
    }

    /// For debugging.
    pub fn debug(&self, message: &str) {
        self.write(Level::Debug, message, "");
    }

    /// Everything.
    pub fn trace(&self, message: &str) {
        self.write(Level::Trace, message, "");
    }

    /// A message with details, which are to become a JSON object.
    ///
    /// ```
    /// # use vestibule_plugin_sdk::{Level, Logger, User, json};
    /// fn note(log: &Logger, user: &User) {
    ///     log.event(Level::Info, "a user signed in", &json!({"user_id": user.id}));
    /// }
    /// ```
    pub fn event(&self, level: Level, message: &str, details: &impl Serialize) {
        if self.is_enabled(level) {
            self.write(level, message, &serde_json::to_string(details).unwrap_or_default());
        }
    }

    /// Whether a message of this level would be written.
    pub fn is_enabled(&self, level: Level) -> bool {
        // SAFETY: the pointers came from the host, which keeps them for ever.
        self.host.log_enabled.is_some_and(|enabled| unsafe { enabled(self.logger, level.number()) } != 0)
    }

    /// Makes the calling thread one of this instance, for a thread that the plugin started: what it writes through `log` and
    /// `tracing`, and the place of a panic on it, goes to the log of this instance.
    ///
    /// ```
    /// # use vestibule_plugin_sdk::{Logger, Result};
    /// fn start_refreshing(log: Logger) {
    ///     std::thread::spawn(move || {
    ///         log.take_thread();
    ///         // ...
    ///     });
    /// }
    /// ```
    pub fn take_thread(&self) {
        current::replace(Some(*self));
    }

    fn write(&self, level: Level, message: &str, fields: &str) {
        if let Some(log) = self.host.log {
            // SAFETY: as in `is_enabled`; the host copies the texts.
            unsafe { log(self.logger, level.number(), Str::new(message), Str::new(fields)) }
        }
    }
}
