//! Whose log a thread writes to.

use std::cell::Cell;
#[cfg(any(feature = "log", feature = "tracing"))]
use std::sync::OnceLock;

use crate::Logger;

thread_local! {
    /// The log of the instance whose operation runs on this thread, or that has taken the thread as its own.
    static CURRENT: Cell<Option<Logger>> = const { Cell::new(None) };
}

/// The log of the first instance of this plugin. It stays usable when the instance has ended.
#[cfg(any(feature = "log", feature = "tracing"))]
static FIRST: OnceLock<Logger> = OnceLock::new();

/// Makes `log` the one of this thread, and gives back the one before.
pub(crate) fn replace(log: Option<Logger>) -> Option<Logger> {
    CURRENT.replace(log)
}

pub(crate) fn get() -> Option<Logger> {
    CURRENT.get()
}

#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn note_first(log: Logger) {
    FIRST.get_or_init(|| log);
}

/// The log of this thread; of the first instance, where the thread belongs to none.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn get_or_first() -> Option<Logger> {
    get().or_else(|| FIRST.get().copied())
}
