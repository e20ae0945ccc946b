//! The `log` facade.

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;

use crate::{Level, current};

struct Forwarder;

pub(super) fn install() {
    // Only the first logger that is installed counts; if the author has installed one, it is not this one.
    if log::set_logger(&Forwarder).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

impl Log for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        current::get_or_first().is_some_and(|host| host.is_enabled(level_of(metadata.level())))
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(host) = current::get_or_first() {
            let level = level_of(record.level());
            if host.is_enabled(level) {
                host.event(level, &record.args().to_string(), &json!({ "target": record.target() }));
            }
        }
    }

    fn flush(&self) {}
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warn,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}
