//! That no token is in the log, whatever a handler says of it. A program of its own, because it has one log.
#![cfg(test)]

#[path = "host/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use vestibule_plugin_host::{InstanceSettings, Isolation, TokenOutcome, TokenPurpose, TokenQuestion};

use support::{Folder, Recorder, patient, spec};

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
async fn h11_a_handler_that_quotes_a_token_writes_it_into_no_log() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false);
    let subscriber =
        subscriber.with_max_level(tracing::Level::TRACE).with_span_events(FmtSpan::FULL).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let folder = Folder::with_variant(&["TOKENS", "TELL", "MINOR=2"]);
    for isolation in [Isolation::Thread, Isolation::Process, Isolation::Inline] {
        let settings = InstanceSettings { isolation, ..patient() };
        let specs = vec![spec("keys", "variant", settings)];
        let host = folder.handle_tokens(specs, Arc::new(Recorder::default())).unwrap();
        for token in ["hunter2-\"-\\-hunter2", &"hunter2".repeat(585)] {
            let question = TokenQuestion {
                token,
                purpose: TokenPurpose::Api,
                app: None,
                method: "GET",
                path: "/auth/session",
                client: "192.0.2.7",
                handlers: None,
            };
            assert_eq!(host.resolve_token(&question).await, TokenOutcome::Refused);
        }
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(
        text.matches("no such key: (token)").count(),
        18,
        "in the error, and twice in the log: {text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}
