//! `vestibule plugin check`: what an author wants to know before an operator finds out.
//!
//! **Owns** the checks, each of which runs in a child process of its own: it tells the parent what it is about to do, so that a crash,
//! an `exit` or a hang is put down to the operation that was under way. **Does not own** any rule: what is refused when a file
//! is loaded, what an answer must be and what a schema demands are the host's own judgements, called here.
//!
//! To add a check: a variant of [`plan::Check`] and a function in `checks`.

mod checks;
mod child;
mod errors;
mod event;
mod mask;
mod parent;
mod plan;
mod questions;
mod report;
mod scratch;
mod subject;
mod usage;

use std::io;
use std::path::Path;

use thiserror::Error;

use crate::config::{ConfigFault, Environment, PluginConfig};
use crate::error::LoadFault;
use crate::process::ChildProgram;
use event::{Job, Note, Verdict};
use plan::Check;
use report::Finding;

pub use child::run_check_child;
pub use report::CheckReport;

/// What is to be checked, and how a child is started.
#[derive(Clone, Copy)]
pub struct CheckRequest<'a> {
    /// The library.
    pub file: &'a Path,
    /// A configuration that the plugin is to work with.
    pub config: &'a PluginConfig,
    /// What the configuration may refer to.
    pub environment: &'a dyn Environment,
    /// The program that calls [`run_check_child`].
    pub child: &'a ChildProgram,
}

/// Why nothing could be checked.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The configuration refers to something that is not there.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// No child could be run.
    #[error("a check cannot be run: {0}")]
    Child(#[from] io::Error),
}

/// Runs every check and waits for it.
pub fn check(request: &CheckRequest<'_>) -> Result<CheckReport, CheckError> {
    let file = std::path::absolute(request.file)?;
    let config = request.config.resolve(request.environment)?;
    let mut report = CheckReport::new(file.clone());
    for check in Check::ALL {
        if let Some(needed) = missing(check, &report) {
            report.add(Finding::skipped(check, needed));
            continue;
        }
        let job = Job { check, file: file.clone(), config: config.as_object().clone() };
        let ran = parent::run(request.child, &job)?;
        report.learn(ran.about);
        report.add(Finding::new(check, ran.notes, ran.took));
    }
    Ok(report)
}

/// A check that this one builds upon and that has not passed.
fn missing(check: Check, report: &CheckReport) -> Option<Check> {
    check
        .needs()
        .iter()
        .copied()
        .find(|needed| report.verdict(*needed).is_none_or(|it| it >= Verdict::Failed))
}

/// What an author can do about a fault of the file or its table.
fn advice_on(fault: &LoadFault) -> &'static str {
    match fault {
        LoadFault::NoEntrySymbol => "Export the function, with C linkage and default visibility",
        LoadFault::OtherAbi { .. } => "Declare the least minor version that the plugin cannot do without",
        LoadFault::Table(_) => "The header says what each member must be",
        LoadFault::Refused(_) => "Link every library that it needs, and see that the system finds them",
        LoadFault::NotALibrary(_) => "Build a shared library for this machine and copy it as a whole",
        LoadFault::Create { .. } => {
            "Give `create` a configuration that works, with --config, and see what it needs besides"
        }
        _ => "The service would not load it either",
    }
}

/// A fault of the file or its table as a sentence.
fn of_file(fault: &LoadFault) -> String {
    if matches!(fault, LoadFault::Table(_)) { fault.to_string() } else { format!("it {fault}") }
}

fn failed(fault: &LoadFault, text: String) -> Note {
    Note::failed(text, advice_on(fault))
}
