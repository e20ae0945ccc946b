//! What an author gets to read.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::event::{About, Note, Verdict};
use super::plan::Check;
use crate::text::printable;

/// How many notes of one check are shown.
const LISTED: usize = 5;
/// The column of the verdicts.
const WIDTH: usize = 26;

/// Everything that the checks have found. Prints itself for people.
pub struct CheckReport {
    file: PathBuf,
    about: Option<About>,
    findings: Vec<Finding>,
}

/// What one check has found.
pub(super) struct Finding {
    check: Check,
    notes: Vec<Note>,
    took: Duration,
}

impl Finding {
    /// What is wrong comes first, and where something is, what went well is left out.
    pub(super) fn new(check: Check, mut notes: Vec<Note>, took: Duration) -> Self {
        notes.sort_by_key(|note| std::cmp::Reverse(note.verdict));
        if notes.first().is_some_and(|note| note.verdict > Verdict::Ok) {
            notes.retain(|note| note.verdict > Verdict::Ok);
        }
        let more = notes.len().saturating_sub(LISTED);
        if more > 0 {
            notes.truncate(LISTED);
            notes.push(Note::remark(format_args!("and {more} more of the kind"), ""));
        }
        Self { check, notes, took }
    }

    pub(super) fn skipped(check: Check, needed: Check) -> Self {
        let note = Note::not_run(format_args!("it needs the check \"{}\" to pass", needed.name()));
        Self::new(check, vec![note], Duration::ZERO)
    }

    fn verdict(&self) -> Verdict {
        self.notes.iter().map(|note| note.verdict).max().unwrap_or(Verdict::Ok)
    }

    fn to_json(&self) -> Value {
        json!({
            "check": self.check,
            "verdict": self.verdict(),
            "notes": self.notes,
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl CheckReport {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, about: None, findings: Vec::new() }
    }

    pub(super) fn learn(&mut self, about: Option<About>) {
        self.about = about.or(self.about.take());
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn verdict(&self, check: Check) -> Option<Verdict> {
        self.findings.iter().find(|finding| finding.check == check).map(Finding::verdict)
    }

    /// Whether nothing has failed. A remark is no failure.
    pub fn has_passed(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }

    /// The same for machines.
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.file.to_string_lossy(),
            "plugin": self.about,
            "passed": self.has_passed(),
            "checks": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict() == verdict).count()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.about {
            Some(about) => {
                let provides = about.provides.join(", ");
                writeln!(formatter, "{} {}: {provides}", printable(&about.name), printable(&about.version))?;
            }
            None => writeln!(formatter, "{}", self.file.display())?,
        }
        for finding in &self.findings {
            let mut label = format!("{:.<WIDTH$}", format!("{} ", finding.check.name()));
            for note in &finding.notes {
                writeln!(formatter, "{label} {}", Line(note))?;
                label = " ".repeat(WIDTH);
            }
        }
        self.summary(formatter)
    }
}

impl CheckReport {
    fn summary(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [Verdict::Ok, Verdict::Remark, Verdict::Failed, Verdict::NotRun];
        let parts = parts.into_iter().map(|verdict| (self.count(verdict), verdict));
        let parts: Vec<_> = parts
            .filter(|(count, _)| *count > 0)
            .map(|(count, verdict)| format!("{count} {}", in_summary(verdict)))
            .collect();
        write!(formatter, "{}", parts.join(", "))
    }
}

fn in_summary(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Remark => "with remarks",
        other => other.as_str(),
    }
}

struct Line<'a>(&'a Note);

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { verdict, text, advice, .. } = self.0;
        write!(formatter, "{}: {}", verdict.as_str(), printable(text))?;
        if advice.is_empty() { Ok(()) } else { write!(formatter, ". {advice}.") }
    }
}
