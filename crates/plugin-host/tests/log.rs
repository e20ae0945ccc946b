//! What plugins write. A program of its own, because it has one log.
#![cfg(test)]

#[path = "host/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use vestibule_plugin_host::InstanceSettings;

use support::{Folder, ask, eventually};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_message_of_a_plugin_is_one_line_under_its_alias_in_the_span_of_its_call() {
    let folder = Folder::with_variant(&["LOG=\"one\\n2026 INFO forged\\x1b[0m\""]);
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false);
    let subscriber = subscriber.with_span_events(FmtSpan::CLOSE).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    ask(&host, "billing", "ada").await.unwrap();
    let text = || String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    // The thread of the call lets go of its span after the answer is there.
    eventually("the span is closed", async || text().contains("outcome=")).await;
    let text = text();
    // The trial of the library runs in this program, which prints what every test prints.
    let of_the_plugin = text.lines().filter(|line| !line.contains("\"stream\":\"stdout\""));
    let [message, end] = *of_the_plugin.collect::<Vec<_>>() else { panic!("{text}") };
    let span = "plugin_call{alias=\"billing\" operation=\"get_permissions\"}";
    for part in ["ERROR ", span, " plugin: one\\n2026 INFO forged", "plugin=\"billing\"", "{\"n\":1}"] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    let closed = "plugin_call{alias=\"billing\" operation=\"get_permissions\" outcome=\"ok\"}";
    assert!(end.contains(closed), "{end}");
}
