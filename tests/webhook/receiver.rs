//! The receivers of `docs/plugins/webhook.md`, running.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use vestibule_test_support::eventually;

use crate::documents::markdown::Document;
use crate::verifiers::interpreters::node;

/// A language that the document has a receiver in.
#[derive(Clone, Copy)]
pub(super) enum Language {
    Python,
    JavaScript,
}

/// One receiver, on a port of its own.
pub(super) struct Receiver {
    process: Child,
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Receiver {
    /// Starts it with these secrets on a free port.
    pub(super) async fn start(language: Language, secrets: &[&str]) -> Self {
        Self::start_at(0, language, secrets).await
    }

    pub(super) async fn start_at(port: u16, language: Language, secrets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::read("docs/plugins/webhook.md");
        let (mut command, name, text) = match language {
            Language::Python => (Command::new("python3"), "receiver.py", document.fence("python")),
            Language::JavaScript => (node(), "receiver.mjs", document.fence("js")),
        };
        let (program, list) = (folder.path().join(name), folder.path().join("secrets"));
        fs::write(&program, text).unwrap();
        fs::write(&list, secrets.join("\n")).unwrap();
        command.arg(program).arg(port.to_string()).arg(list);
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("`make test-needs`");
        let heard = listen(&mut process);
        let mut receiver = Self { process, port, heard, _folder: folder };
        receiver.wait_until_it_listens().await;
        receiver
    }

    /// The first line says on which port.
    async fn wait_until_it_listens(&mut self) {
        eventually("the receiver listens", async || !self.lines().is_empty()).await;
        let first = self.heard.lock().unwrap().remove(0);
        self.port = first.strip_prefix("listening on ").unwrap().parse().unwrap();
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/?key=hunter2", self.port)
    }

    /// Waits until it has printed exactly this.
    pub(super) async fn has_printed(&self, expected: &[String]) {
        let what = format!("the receiver has printed {expected:?}");
        eventually(&what, async || self.lines() == expected).await;
    }

    fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn listen(process: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (ours, output) = (Arc::clone(&heard), BufReader::new(process.stdout.take().unwrap()));
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            ours.lock().unwrap().push(line);
        }
    });
    heard
}
