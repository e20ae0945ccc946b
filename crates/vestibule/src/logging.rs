//! The log: on standard error, as text for people or as JSON for collectors.

mod fields;
mod json;
mod lost;
mod writer;

use std::io::IsTerminal;
use std::panic;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::CommandError;
use crate::settings::table::LOG;
use crate::settings::{LogFormat, LogSettings};

use fields::TextFields;
use json::JsonLines;
pub(crate) use lost::{LostLines, report_lost_lines};
use writer::StandardError;

/// The targets that `LOG` can enable below INFO: our own crates, and plugins.
const OURS: [&str; 2] = ["vestibule", "plugin"];

/// Starts the log, and the spans for this tracer if there is one. Called once.
pub(crate) fn start(settings: &LogSettings, tracer: Option<SdkTracer>) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(CommandError::while_doing(LOG.name()))?;
    let writer = StandardError::start().map_err(CommandError::while_doing("the thread of the log"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match settings.format {
        LogFormat::Text => {
            lines.fmt_fields(TextFields::default()).with_ansi(std::io::stderr().is_terminal()).boxed()
        }
        LogFormat::Json => lines.fmt_fields(JsonFields::new()).event_format(JsonLines).boxed(),
    };
    // Every line, whichever part of the program writes it, names the request that it was written for.
    let requests =
        filter_fn(|metadata| metadata.is_span() && metadata.target() == vestibule_http::REQUEST_SPAN);
    let lines = lines.with_filter(filter.and(floor()).or(requests));
    let log = tracing_subscriber::registry().with(lines);
    // An absent layer instead would enable every span.
    let outcome = match tracer {
        Some(tracer) => log.with(exported_spans(tracer)).try_init(),
        None => log.try_init(),
    };
    report_panics();
    outcome.map_err(CommandError::new)
}

/// Waits until all lines are written, but not for a reader that takes nothing. To be called before the process ends, and before the
/// program writes anything else to standard error.
pub(crate) fn flush() {
    writer::flush();
}

/// Spans are exported, lines of the log are not.
fn exported_spans<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    let spans = spans.with_tracked_inactivity(false).with_target(false);
    spans.with_filter(filter_fn(|metadata| metadata.is_span() && is_exported(metadata.target())))
}

fn is_exported(target: &str) -> bool {
    target == vestibule_http::REQUEST_SPAN
        || target == "vestibule::spans"
        || target.starts_with("vestibule_plugin_host")
}

/// The level below which a target stays silent, whatever `LOG` says. At DEBUG and TRACE libraries write out what passes through
/// them: headers, addresses with codes and tokens in them, bound values. Our own crates write no secret and no personal data at these
/// levels; for the next version of a library there is no such promise.
fn floor() -> Targets {
    let ours = OURS.map(|target| (target, LevelFilter::TRACE));
    Targets::new().with_default(LevelFilter::INFO).with_targets(ours)
}

/// A panic is logged with its place and without its text, which may hold what a request brought.
fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, thread = std::thread::current().name(), "a thread panicked");
    }));
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn n1_libraries_are_never_heard_below_info() {
        for library in
            ["hyper::proto::h1", "h2", "reqwest::connect", "rustls::client", "tokio_postgres", "log"]
        {
            assert!(floor().would_enable(library, &Level::INFO), "{library}");
            assert!(!floor().would_enable(library, &Level::DEBUG), "{library}");
        }
        for ours in ["vestibule::access", "vestibule_flows::check", "plugin"] {
            assert!(floor().would_enable(ours, &Level::TRACE), "{ours}");
        }
    }
}
