//! One JSON object a line, for collectors.
//!
//! The fields of a line stand beside its time, level, target and message, and so do the fields of its request: a collector finds
//! everything about a request by its id, without knowing what a span is. Any other span is an object under its own name, because
//! names such as `operation` mean something else in each.
//!
//! The JSON of tracing-subscriber cannot do this: it nests the fields of spans, and writes a name twice that both have.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The span whose fields become fields of the line.
const REQUEST: &str = "request";

/// Formats lines as JSON.
pub(super) struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        line.set("timestamp", now()?);
        line.set("level", event.metadata().level().as_str());
        line.set("target", event.metadata().target());
        event.record(&mut line);
        for span in context.event_scope().into_iter().flatten() {
            line.add_span(&span);
        }
        writeln!(writer, "{}", line.finish())
    }
}

fn now() -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(32);
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

/// The members of an object, in order. Of two with the same name the first counts.
#[derive(Default)]
struct Line(Vec<(String, Value)>);

impl Line {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    fn add_span<S: for<'lookup> LookupSpan<'lookup>>(&mut self, span: &SpanRef<'_, S>) {
        let extensions = span.extensions();
        let written = extensions.get::<FormattedFields<JsonFields>>().map(|fields| fields.fields.as_str());
        let Some(fields) = written.and_then(|text| serde_json::from_str::<Map<_, _>>(text).ok()) else {
            return;
        };
        if span.name() == REQUEST {
            fields.into_iter().for_each(|(name, value)| self.set(&name, value));
        } else if !fields.is_empty() {
            self.set(span.name(), fields);
        }
    }

    fn finish(self) -> String {
        let members = self.0.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines_of(work: impl FnOnce()) -> Vec<Map<String, Value>> {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_its_request_beside_its_own_and_other_spans_by_name() {
        let lines = lines_of(|| {
            tracing::error_span!("request", request_id = "5f", operation = "check_session").in_scope(|| {
                let call = tracing::info_span!("plugin_call", alias = "a", operation = "health");
                call.in_scope(|| tracing::warn!(target: "plugin", count = 3, open = true, "late\nline"));
            });
        });
        let mut line = lines[0].clone();
        assert!(line.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
        let expected = serde_json::json!({
            "level": "WARN", "target": "plugin", "message": "late\nline", "count": 3, "open": true,
            "request_id": "5f", "operation": "check_session",
            "plugin_call": {"alias": "a", "operation": "health"},
        });
        assert_eq!(Value::Object(line), expected);
    }

    #[test]
    fn n4_what_a_line_says_itself_cannot_be_replaced_by_a_span_and_nothing_is_there_twice() {
        let lines = lines_of(|| {
            let span = tracing::error_span!("request", request_id = "5f", level = "x", message = "y");
            span.in_scope(|| tracing::info!(request_id = "6a", timestamp = "never", "said"));
        });
        assert_eq!((&lines[0]["request_id"], &lines[0]["level"]), (&"6a".into(), &"INFO".into()));
        assert_eq!(lines[0]["message"], "said");
        assert_ne!(lines[0]["timestamp"], "never");
    }
}
