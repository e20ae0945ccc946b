//! From the usual facades to the host's log.
//!
//! `log` and `tracing` keep one global each, and a shared library has its own copy of both: a plugin that writes to
//! them is dropped, unless something is installed there. `create` installs what is in here. An author who has
//! installed something before keeps it.
//!
//! One plugin may have several instances, and they share those globals. So a line belongs to the instance whose operation
//! runs on its thread, or which has taken the thread by [`Logger::take_thread`](crate::Logger::take_thread); lines of other
//! threads belong to the first instance.

#[cfg(feature = "log")]
mod log_lines;
#[cfg(feature = "tracing")]
mod tracing_events;

use crate::{Logger, current};

/// Does nothing from the second time on.
pub(crate) fn install(log: Logger) {
    current::note_first(log);
    #[cfg(feature = "log")]
    log_lines::install();
    #[cfg(feature = "tracing")]
    tracing_events::install();
}
