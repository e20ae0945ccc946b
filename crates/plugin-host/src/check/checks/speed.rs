//! What a call costs, without the way to the plugin's thread.

use std::time::{Duration, Instant};

use crate::check::event::Note;
use crate::check::questions::Person;
use crate::check::subject::{Subject, ask};
use crate::error::LoadFault;
use crate::observer::Operation;
use crate::raw::RawInstance;

const BATCHES: usize = 21;
const BATCH: u32 = 200;
/// How long all batches of one operation may take.
const LIMIT: Duration = Duration::from_secs(3);
/// A plugin that takes longer should let its answers be used again.
const SLOW_NANOSECONDS: u64 = 10_000_000;

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let (mut words, mut ttl, mut slow) = (Vec::new(), None, false);
    let mut note = Note::ok("");
    for operation in subject.operations().iter().copied() {
        subject.progress.doing(format_args!("it answered {} in a row", operation.as_str()));
        let nanoseconds = measure(&instance, operation);
        slow |= operation == Operation::Permissions && nanoseconds > SLOW_NANOSECONDS;
        words.push(format!("{} {:.1?}", operation.as_str(), Duration::from_nanos(nanoseconds)));
        note = note.figure(format!("{}_nanoseconds", operation.as_str()), nanoseconds);
        if operation == Operation::Permissions {
            ttl = ask(&instance, &Person::new("ada").question(operation)).ttl_seconds;
        }
    }
    subject.destroy(instance);
    let reuse = ttl.map(|seconds| format!("; an answer may be used again for {seconds} s"));
    note.text = words.join(", ") + &reuse.unwrap_or_default();
    if let Some(seconds) = ttl {
        note = note.figure("ttl_seconds", seconds);
    } else if slow {
        let advice = "Let answers be used again for a while (`set_ttl`)";
        return Ok(Note { figures: note.figures, ..Note::remark(note.text, advice) });
    }
    Ok(note)
}

/// The median of the mean of each batch.
fn measure(instance: &RawInstance, operation: Operation) -> u64 {
    let question = Person::new("ada").question(operation);
    let began = Instant::now();
    let mut means = Vec::with_capacity(BATCHES);
    while means.is_empty() || (means.len() < BATCHES && began.elapsed() < LIMIT) {
        let (batch, mut calls) = (Instant::now(), 0);
        while calls == 0 || (calls < BATCH && batch.elapsed() < LIMIT / 4) {
            ask(instance, &question);
            calls += 1;
        }
        means.push(u64::try_from(batch.elapsed().as_nanos() / u128::from(calls)).unwrap_or(u64::MAX));
    }
    means.sort_unstable();
    means.get(means.len() / 2).copied().unwrap_or(0)
}
