//! What is left of instances that have ended, and of calls that have returned.

use std::thread;
use std::time::{Duration, Instant};

use crate::check::event::Note;
use crate::check::plan::ENOUGH;
use crate::check::questions::Person;
use crate::check::subject::{Subject, ask};
use crate::check::usage::Usage;
use crate::error::LoadFault;
use crate::raw::RawInstance;

const WARM_UP: usize = 20;
const INSTANCES: usize = 100;
const CALLS: usize = 10_000;
/// How long either half of the calls may go on.
const ENOUGH_CALLS: Duration = Duration::from_secs(5);
/// How much the memory may grow in either part: allocators keep some of what is freed.
const MEMORY_BYTES: u64 = 2 * 1024 * 1024;
/// How many more descriptors, threads or children there may be after all instances than before: some plugins keep a few for
/// ever, which is no leak.
const FEW: u64 = 10;
/// How long threads may take to end after `destroy`.
const SETTLING: Duration = Duration::from_secs(5);

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    repeat(subject, WARM_UP)?;
    let before = Usage::now();
    let count = repeat(subject, INSTANCES)?;
    subject.progress.doing("its threads were ending");
    let after = settle(before);
    for note in growth(before, after, count) {
        subject.progress.note(note);
    }
    calls(subject, count)
}

/// Makes and ends instances one after the other, each with one call of everything; how many.
fn repeat(subject: &Subject<'_>, count: usize) -> Result<usize, LoadFault> {
    let began = Instant::now();
    for number in 0..count {
        subject.progress.doing(format_args!("instance {} of {count} was made and ended", number + 1));
        let instance = subject.create_with("check", subject.config)?;
        ask_everything(subject, &instance);
        drop(instance);
        if began.elapsed() > ENOUGH {
            return Ok(number + 1);
        }
    }
    Ok(count)
}

fn ask_everything(subject: &Subject<'_>, instance: &RawInstance) {
    for operation in subject.operations() {
        subject.progress.still_doing(format_args!("it answered {} again and again", operation.as_str()));
        ask(instance, &Person::new("ada").question(*operation));
    }
}

/// Looks again until nothing has grown, or for as long as threads may take to end.
fn settle(before: Usage) -> Usage {
    let until = Instant::now() + SETTLING;
    loop {
        let now = Usage::now();
        let more = |now: Option<u64>, before: Option<u64>| now > before;
        let unsettled = more(now.threads, before.threads)
            || more(now.descriptors, before.descriptors)
            || more(now.children, before.children);
        if !unsettled || Instant::now() > until {
            return now;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn growth(before: Usage, after: Usage, count: usize) -> Vec<Note> {
    let advice = "Let `destroy` give back what `create` and the calls have taken";
    let grown = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
    let mut notes = Vec::new();
    let memory = grown(after.resident_bytes, before.resident_bytes).unwrap_or(0);
    if memory > MEMORY_BYTES {
        let text = format!("{count} instances that have ended leave {} KiB of memory", memory / 1024);
        notes.push(Note::failed(text, advice).figure("instances_leave_bytes", memory));
    }
    for (what, now, then) in [
        ("descriptors", after.descriptors, before.descriptors),
        ("threads", after.threads, before.threads),
        ("child processes", after.children, before.children),
    ] {
        if let Some(more) = grown(now, then).filter(|more| *more >= FEW) {
            let text = format!("{count} instances that have ended leave {more} {what}");
            notes.push(Note::failed(text, advice));
        }
    }
    notes
}

/// One instance, asked the same thing very often.
fn calls(subject: &Subject<'_>, instances: usize) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    subject.progress.doing("it answered the same calls again and again");
    let ask_often = |count: usize| {
        let began = Instant::now();
        for number in 0..count {
            ask_everything(subject, &instance);
            if began.elapsed() > ENOUGH_CALLS {
                return number + 1;
            }
        }
        count
    };
    ask_often(CALLS / 10);
    let before = Usage::now().resident_bytes;
    let rounds = ask_often(CALLS);
    let grown = Usage::now().resident_bytes.zip(before).map_or(0, |(now, then)| now.saturating_sub(then));
    subject.destroy(instance);
    if grown > MEMORY_BYTES {
        let text = format!("{rounds} rounds of calls leave {} KiB of memory", grown / 1024);
        return Ok(
            Note::failed(text, "Free what a call takes before it returns").figure("calls_leave_bytes", grown)
        );
    }
    Ok(Note::ok(format_args!("{instances} instances and {rounds} rounds of calls leave nothing behind")))
}
