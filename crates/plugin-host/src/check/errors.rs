//! What the plugin logs as an error: where it has no other way to say that something went wrong, as in `destroy`.

use std::sync::{Mutex, PoisonError};

use vestibule_plugin_abi::level;

use crate::log_sink::{self, LogSink};

static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Takes the log from now on. Every level is enabled, so that the plugin does all that it would do to log.
pub(super) fn listen() {
    log_sink::divert(Box::new(Listener));
}

/// The last error since the last time.
pub(super) fn take() -> Option<String> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

struct Listener;

impl LogSink for Listener {
    fn is_enabled(&self, _level: i32) -> bool {
        true
    }

    fn write(&self, level: i32, message: &str, _fields: &str) {
        if level == level::ERROR {
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.to_owned());
        }
    }
}
