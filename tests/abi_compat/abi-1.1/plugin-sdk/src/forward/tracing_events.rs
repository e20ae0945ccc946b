//! Events of `tracing`.

use std::error::Error;
use std::fmt;
use std::sync::Once;

use serde_json::{Map, Value};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, Metadata, Subscriber, dispatcher};

use crate::{Level, current};

/// Knows events, and questions whether one would be written, but no spans: the host has a span of its own around each call.
struct Forwarder;

pub(super) fn install() {
    static ONCE: Once = Once::new();
    // An error says that the author has installed one, which stays.
    ONCE.call_once(|| drop(dispatcher::set_global_default(Dispatch::new(Forwarder))));
}

impl Subscriber for Forwarder {
    /// The host may change its mind about levels, so it is asked each time.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() { Interest::never() } else { Interest::sometimes() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let host = current::get_or_first();
        !metadata.is_span() && host.is_some_and(|host| host.is_enabled(level_of(metadata)))
    }

    fn event(&self, event: &Event<'_>) {
        if let Some(host) = current::get_or_first() {
            let mut line = Line::default();
            event.record(&mut line);
            let target = event.metadata().target();
            line.fields.entry("target").or_insert_with(|| target.into());
            host.event(level_of(event.metadata()), &line.message, &line.fields);
        }
    }

    // Spans are never enabled, so the rest is never called.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::TRACE => Level::Trace,
    }
}

/// An event taken apart. Values that JSON has become such, others their text.
#[derive(Default)]
struct Line {
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn put_text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put_text(field, value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
