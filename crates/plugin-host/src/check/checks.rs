//! The checks, one file each.

mod answers;
mod broken;
mod deadlines;
mod leaks;
mod load;
mod odd_strings;
mod speed;
mod threads;

use super::child::Progress;
use super::event::{Job, Note};
use super::plan::Check;
use super::subject::Subject;
use super::{failed, of_file};
use crate::error::LoadFault;

/// Does one check and notes what it finds.
pub(super) fn run(job: &Job, progress: &Progress) {
    let look: fn(&Subject<'_>) -> Result<Note, LoadFault> = match job.check {
        Check::File => return load::file(job, progress),
        Check::Table => |subject| Ok(load::table(subject)),
        Check::Schema => |subject| Ok(load::schema(subject)),
        Check::Create => load::create,
        Check::BrokenConfigurations => |subject| Ok(broken::run(subject)),
        Check::Answers => answers::run,
        Check::OddStrings => odd_strings::run,
        Check::Threads => threads::run,
        Check::Deadlines => deadlines::run,
        Check::Leaks => leaks::run,
        Check::Speed => speed::run,
    };
    progress.note(match Subject::open(job, progress) {
        Ok(subject) => look(&subject)
            .unwrap_or_else(|fault| failed(&fault, format!("the plugin {}", subject.explain(&fault)))),
        Err(fault) => failed(&fault, of_file(&fault)),
    });
}
