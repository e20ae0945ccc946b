//! What parent and child say to each other: a job on one line, then events, a line each.

use std::fmt::Display;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::plan::Check;

/// What the parent asks for.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) check: Check,
    pub(super) file: PathBuf,
    pub(super) config: Map<String, Value>,
}

/// What the child tells.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// What the plugin is about to do, so that "while ..." can be put before it.
    Doing(String),
    /// What the library says of itself.
    About(About),
    Note(Note),
    /// The check is over, and the plugin with it.
    End,
}

/// What the library says of itself.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) abi: String,
    pub(super) provides: Vec<String>,
    pub(super) serial: bool,
    pub(super) sha256: String,
}

/// How something came out, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Ok,
    /// Worth knowing, and no reason to refuse the plugin.
    Remark,
    Failed,
    /// Not looked at, because something that it needs has failed.
    NotRun,
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Remark => "remark",
            Self::Failed => "FAILED",
            Self::NotRun => "not run",
        }
    }
}

/// One thing that a check has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) verdict: Verdict,
    pub(super) text: String,
    /// A sentence on what to do, without its full stop; may be empty.
    pub(super) advice: String,
    /// Numbers for machines.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) figures: Map<String, Value>,
}

impl Note {
    fn new(verdict: Verdict, text: impl Display, advice: &str) -> Self {
        Self { verdict, text: text.to_string(), advice: advice.to_owned(), figures: Map::new() }
    }

    pub(super) fn ok(text: impl Display) -> Self {
        Self::new(Verdict::Ok, text, "")
    }

    pub(super) fn remark(text: impl Display, advice: &str) -> Self {
        Self::new(Verdict::Remark, text, advice)
    }

    pub(super) fn failed(text: impl Display, advice: &str) -> Self {
        Self::new(Verdict::Failed, text, advice)
    }

    pub(super) fn not_run(text: impl Display) -> Self {
        Self::new(Verdict::NotRun, text, "")
    }

    /// Adds what the plugin wrote before its end.
    pub(super) fn with_words(mut self, words: &str) -> Self {
        self.text = format!("{} and wrote {words:?}", self.text);
        self
    }

    pub(super) fn figure(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.figures.insert(name.into(), value.into());
        self
    }
}
