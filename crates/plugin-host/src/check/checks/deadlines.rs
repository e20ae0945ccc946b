//! What the plugin makes of the time that it is given.

use std::time::{Duration, Instant};

use crate::check::event::Note;
use crate::check::questions::Person;
use crate::check::subject::Subject;
use crate::deadline_probe;
use crate::error::LoadFault;
use crate::observer::Operation;
use crate::raw::RawInstance;

const SHORT: Duration = Duration::from_millis(200);
/// How much later than its deadline a call may return. Generous, because the machine may be busy.
const GRACE: Duration = Duration::from_secs(2);
/// A plugin whose fastest call is faster only computes, and need not look at the clock.
const COMPUTES: Duration = Duration::from_millis(5);

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let before = deadline_probe::reads();
    let mut waits = false;
    for operation in subject.operations().iter().copied() {
        let with_time = call(subject, &instance, operation, SHORT, "200 ms left");
        let without = call(subject, &instance, operation, Duration::ZERO, "no time left");
        // The faster of two, because a busy machine makes a single call look slow.
        waits |= with_time.min(without) > COMPUTES;
    }
    subject.destroy(instance);
    let reads = deadline_probe::reads() > before;
    Ok(conclude(reads, waits))
}

/// Makes one call and notes if it comes back late.
fn call(
    subject: &Subject<'_>,
    instance: &RawInstance,
    operation: Operation,
    left: Duration,
    words: &str,
) -> Duration {
    let name = operation.as_str();
    subject.progress.doing(format_args!("it answered {name} with {words}"));
    let question = Person::new("ada").question(operation);
    let began = Instant::now();
    instance.ask(&question, began + left);
    let took = began.elapsed();
    if took > left + GRACE {
        let text = format!("with {words} {name} took {:.1} s", took.as_secs_f64());
        let advice = "The thread is lost to others meanwhile: ask how much time is left (`remaining_ms`), and give every \
                      wait a limit of its own";
        subject.progress.note(Note::failed(text, advice));
    }
    took
}

fn conclude(reads: bool, waits: bool) -> Note {
    match (reads, waits) {
        (true, _) => Note::ok("it asks how much time is left, and comes back"),
        (false, false) => Note::ok("it comes back at once, without asking how much time is left"),
        (false, true) => Note::remark(
            "it never asks how much time is left, though it takes more than 5 ms",
            "Ask (`remaining_ms`) before you wait for anything, so that you can answer RETRY in time",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::event::Verdict;

    #[test]
    fn only_a_plugin_that_waits_has_to_look_at_the_clock() {
        for (reads, waits, verdict) in [
            (true, true, Verdict::Ok),
            (true, false, Verdict::Ok),
            (false, false, Verdict::Ok),
            (false, true, Verdict::Remark),
        ] {
            assert_eq!(conclude(reads, waits).verdict, verdict, "{reads} {waits}");
        }
    }
}
