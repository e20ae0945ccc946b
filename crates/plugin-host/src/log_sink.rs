//! Where the messages of plugins go: into the log of the service, or, in a plugin's own process, to the service.

use std::sync::OnceLock;

use vestibule_plugin_abi::level;

/// Takes messages in place of this process's own log.
pub(crate) trait LogSink: Send + Sync {
    fn is_enabled(&self, level: i32) -> bool;
    fn write(&self, level: i32, message: &str, fields: &str);
}

static ELSEWHERE: OnceLock<Box<dyn LogSink>> = OnceLock::new();

/// Sends all messages elsewhere from now on. The first to say so is heeded.
pub(crate) fn divert(sink: Box<dyn LogSink>) {
    drop(ELSEWHERE.set(sink));
}

/// Whether a message of this level would be written.
pub(crate) fn is_enabled(level: i32) -> bool {
    ELSEWHERE.get().map_or_else(|| is_enabled_here(level), |sink| sink.is_enabled(level))
}

/// Writes a message that is already printable.
pub(crate) fn write(plugin: &str, level: i32, message: &str, fields: &str) {
    match ELSEWHERE.get() {
        Some(sink) => sink.write(level, message, fields),
        None => write_here(plugin, level, message, fields),
    }
}

/// The least important level that the log of this process takes from plugins.
pub(crate) fn most_verbose() -> i32 {
    let levels = [level::TRACE, level::DEBUG, level::INFO, level::WARN];
    levels.into_iter().find(|level| is_enabled_here(*level)).unwrap_or(level::ERROR)
}

fn is_enabled_here(level: i32) -> bool {
    match level {
        level::WARN => tracing::enabled!(target: "plugin", tracing::Level::WARN),
        level::INFO => tracing::enabled!(target: "plugin", tracing::Level::INFO),
        level::DEBUG => tracing::enabled!(target: "plugin", tracing::Level::DEBUG),
        level::TRACE => tracing::enabled!(target: "plugin", tracing::Level::TRACE),
        _ => tracing::enabled!(target: "plugin", tracing::Level::ERROR),
    }
}

fn write_here(plugin: &str, level: i32, message: &str, fields: &str) {
    let details = (!fields.is_empty()).then(|| tracing::field::display(fields));
    match level {
        level::WARN => tracing::warn!(target: "plugin", plugin, details, "{message}"),
        level::INFO => tracing::info!(target: "plugin", plugin, details, "{message}"),
        level::DEBUG => tracing::debug!(target: "plugin", plugin, details, "{message}"),
        level::TRACE => tracing::trace!(target: "plugin", plugin, details, "{message}"),
        _ => tracing::error!(target: "plugin", plugin, details, "{message}"),
    }
}
