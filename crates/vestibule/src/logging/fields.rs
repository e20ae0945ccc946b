//! Writes fields of spans and lines as text: what tracing-subscriber writes, but faster for names, ids and numbers, which nearly
//! all fields are.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::{RecordFields, VisitOutput as _};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, DefaultVisitor, Writer};

/// Formats fields as `name=value`, with texts in quotes. On a terminal the library adds colours.
#[derive(Debug, Default)]
pub(super) struct TextFields(DefaultFields);

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        if writer.has_ansi_escapes() {
            return self.0.format_fields(writer, fields);
        }
        let mut text = Text { writer, is_empty: true, result: Ok(()) };
        fields.record(&mut text);
        text.result
    }
}

struct Text<'w> {
    writer: Writer<'w>,
    is_empty: bool,
    result: fmt::Result,
}

impl Text<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.result.is_err() {
            return;
        }
        let space = if self.is_empty { "" } else { " " };
        self.is_empty = false;
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.result = [space, name, "="]
            .iter()
            .try_for_each(|part| self.writer.write_str(part))
            .and_then(|()| value(&mut self.writer));
    }

    /// Lets the library write a field that it escapes or leaves out.
    fn leave_to_library(&mut self, field: &Field, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.result.is_ok() {
            let mut visitor = DefaultVisitor::new(self.writer.by_ref(), self.is_empty);
            record(&mut visitor);
            self.result = visitor.finish();
            self.is_empty &= is_of_another_log(field);
        }
    }
}

/// Whether the library leaves the field out.
fn is_of_another_log(field: &Field) -> bool {
    field.name().starts_with("log.")
}

fn is_left_to_library(field: &Field) -> bool {
    field.name() == "message" || is_of_another_log(field)
}

impl Visit for Text<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if is_left_to_library(field) {
            return self.leave_to_library(field, |visitor| visitor.record_str(field, value));
        }
        self.write(field, |writer| {
            if value.bytes().all(is_plain) {
                ["\"", value, "\""].iter().try_for_each(|part| writer.write_str(part))
            } else {
                write!(writer, "{value:?}")
            }
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.leave_to_library(field, |visitor| visitor.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if is_left_to_library(field) {
            return self.leave_to_library(field, |visitor| visitor.record_debug(field, value));
        }
        self.write(field, |writer| write!(writer, "{value:?}"));
    }
}

/// Whether a byte needs no escape in quotes.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::Layer;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is written by a subscriber with these fields.
    fn written<F>(fields: F, log: fn()) -> String
    where
        F: for<'w> FormatFields<'w> + Send + Sync + 'static,
    {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&text);
        let layer = Layer::new().with_writer(move || Pen(Arc::clone(&writer))).without_time();
        let layer = layer.fmt_fields(fields).with_ansi(false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        String::from_utf8(text.lock().unwrap().clone()).unwrap()
    }

    struct Pen(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Pen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn everything() {
        let span =
            tracing::info_span!("a_span", request_id = "0f", later = tracing::field::Empty, r#type = 1);
        let _inside = span.enter();
        span.record("later", "quo\"te");
        let error = io::Error::other("the \u{1b}[31mcause");
        let error: &(dyn Error + 'static) = &error;
        tracing::info!("a message alone");
        tracing::info!(text = "it's plain", odd = "ä\n\u{7f}\\ \u{1b}[31m", "a message \u{1b}[31m in red");
        tracing::info!(int = -1, long = u64::MAX, yes = true, float = 1.5, none = None::<u8>, "numbers");
        tracing::info!(display = %"a b", debug = ?"a b", error, "more");
        tracing::warn!(message = "named", empty = "");
    }

    #[test]
    fn a_line_is_as_the_library_writes_it() {
        let (ours, theirs) =
            (written(TextFields::default(), everything), written(DefaultFields::new(), everything));
        assert_eq!(ours, theirs);
        assert_eq!(ours.lines().count(), 5, "{ours}");
    }
}
