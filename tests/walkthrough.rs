//! The commands of `docs/walkthrough.md` do what the document says, on the service as `make run` starts it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use vestibule_test_support::Program;

use crate::documents::markdown::{Document, Fence};

/// Where the document finds the service, and the emulator beside it.
const DOCUMENTED: [&str; 2] = ["127.0.0.1:8000", "127.0.0.1:8001"];
/// What is written behind the answer of each block of commands.
const END: char = '\u{1e}';

#[tokio::test(flavor = "multi_thread")]
async fn every_command_answers_what_the_document_says() {
    let program = Program::builder().argument("--dev").start().await;
    let document = at_address(Document::read("docs/walkthrough.md"), &program.base_url());
    let steps = steps(document.fences());
    let answers = run(&steps, program.directory());
    assert!(
        steps.len() > 10 && answers.len() == steps.len(),
        "{} of {} commands ran",
        answers.len(),
        steps.len()
    );
    for (step, answer) in steps.iter().zip(&answers) {
        step.expect(answer);
    }
}

/// A block of commands, and the answer that follows it in the document, if one does.
struct Step {
    commands: String,
    answer: Option<Fence>,
}

impl Step {
    fn expect(&self, answer: &str) {
        let good = match &self.answer {
            None => answer.trim().is_empty(),
            Some(Fence { language, code }) if language == "json" => {
                json_matches(&parse(code), &serde_json::from_str(answer).unwrap_or(Value::Null))
            }
            Some(Fence { code, .. }) => text_matches(code.trim(), answer.trim()),
        };
        assert!(good, "{}answers\n{answer}\ninstead of\n{:?}", self.commands, self.answer);
    }
}

/// The document, as if it had been written for the service at this address.
fn at_address(mut document: Document, base_url: &str) -> Document {
    let (_, port) = base_url.rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    for (documented, port) in DOCUMENTED.into_iter().zip([port, port + 1]) {
        let actual = format!("127.0.0.1:{port}");
        document.text = document.text.replace(documented, &actual);
        document.text = document.text.replace(&documented.replace(':', "%3A"), &actual.replace(':', "%3A"));
    }
    assert!(document.text.contains(&format!("BASE={base_url}\n")), "the address stands at the top");
    document
}

fn steps(fences: Vec<Fence>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for fence in fences {
        if fence.language == "sh" {
            steps.push(Step { commands: fence.code, answer: None });
        } else {
            let asked = steps.last_mut().filter(|step| step.answer.is_none());
            asked.expect("an answer follows its question").answer = Some(fence);
        }
    }
    steps
}

/// Runs all blocks in one shell, because each builds on those before; the answer of each.
fn run(steps: &[Step], directory: &Path) -> Vec<String> {
    let blocks = steps.iter().map(|step| format!("{}printf '{END}'", step.commands));
    let script: Vec<String> = std::iter::once("set -euo pipefail".to_owned()).chain(blocks).collect();
    let mut command = Command::new("bash");
    // Without a configuration of its own, curl is the same everywhere.
    command
        .args(["-c", &script.join("\n")])
        .env("CURL_HOME", directory)
        .env("TMPDIR", directory)
        .env("NO_PROXY", "*");
    let output = command.stdin(Stdio::null()).output().expect("bash is installed: run `make test-needs`");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.split_terminator(END).map(str::to_owned).collect()
}

fn parse(documented: &str) -> Value {
    serde_json::from_str(documented).unwrap_or_else(|error| panic!("{error} in {documented}"))
}

/// The same members, and texts that match.
fn json_matches(documented: &Value, actual: &Value) -> bool {
    match (documented, actual) {
        (Value::Object(documented), Value::Object(actual)) => {
            documented.len() == actual.len()
                && documented
                    .iter()
                    .all(|(name, value)| actual.get(name).is_some_and(|other| json_matches(value, other)))
        }
        (Value::Array(documented), Value::Array(actual)) => {
            documented.len() == actual.len()
                && documented.iter().zip(actual).all(|(value, other)| json_matches(value, other))
        }
        (Value::String(documented), Value::String(actual)) => text_matches(documented, actual),
        _ => documented == actual,
    }
}

/// Whether a text is as documented, where `…` stands for anything but nothing.
fn text_matches(documented: &str, actual: &str) -> bool {
    let mut parts = documented.split('…');
    let Some(mut rest) = parts.next().and_then(|start| actual.strip_prefix(start)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_none() {
            rest.ends_with(part).then(|| rest.len() - part.len())
        } else {
            rest.find(part)
        };
        match end {
            Some(end) if end > 0 => rest = &rest[end + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

#[test]
fn an_ellipsis_stands_for_anything_but_nothing() {
    assert!(text_matches("a…c…", "abcd") && text_matches("abc", "abc") && text_matches("…", "x"));
    assert!(text_matches("eyJ….…", "eyJa.b.c"));
    assert!(!text_matches("a…c", "ac") && !text_matches("a…", "a") && !text_matches("abc", "abcd"));
    assert!(!text_matches("a…c", "abcd") && !text_matches("b…", "abc"));
}
