//! Where the log goes: standard error, as text for people or as JSON for collectors.

use std::io::IsTerminal;
use std::panic;

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::settings::{LogFormat, LogSettings};

/// Begins to log. Called once.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(Failure::while_doing("LOG"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let outcome = match settings.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    report_panics();
    outcome.map_err(Failure::new)
}

/// A panic is logged with its place and without its text, which may hold what a request brought.
fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, thread = std::thread::current().name(), "a thread panicked");
    }));
}
