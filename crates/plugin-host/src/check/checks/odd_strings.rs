//! Strings that have broken programs, in every place where a string can stand.

use std::time::Instant;

use crate::BadReply;
use crate::check::event::Note;
use crate::check::plan::ENOUGH;
use crate::check::questions::{Odd, PLACES, Person, odd_strings};
use crate::check::subject::{Subject, Verdict, advice_on, ask, verdict};
use crate::error::LoadFault;
use crate::failure::FailureKind;
use crate::observer::Operation;
use crate::raw::RawInstance;

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let began = Instant::now();
    let odd = odd_strings();
    let cases: Vec<_> = odd.iter().flat_map(|odd| PLACES.iter().map(move |place| (odd, place))).collect();
    let mut asked = 0;
    for (odd, (place, member)) in &cases {
        let mut person = Person::new("ada");
        member(&mut person).clone_from(&odd.text);
        for operation in subject.operations().iter().filter(|operation| **operation != Operation::Health) {
            if let Some(note) = question(subject, &instance, *operation, &person, place, odd) {
                subject.progress.note(note);
            }
            asked += 1;
        }
        if began.elapsed() > ENOUGH {
            break;
        }
    }
    subject.destroy(instance);
    Ok(Note::ok(format_args!("{asked} calls with {} strings in {} places", odd.len(), PLACES.len())))
}

fn question(
    subject: &Subject<'_>,
    instance: &RawInstance,
    operation: Operation,
    person: &Person,
    place: &str,
    odd: &Odd,
) -> Option<Note> {
    let doing = format!("{} with {place} {}", operation.as_str(), odd.words);
    subject.progress.doing(format_args!("it answered {doing}"));
    let answer = ask(instance, &person.question(operation));
    let said = subject.said(&answer.error);
    match verdict(operation, answer) {
        Verdict::Bad(FailureKind::BadReply(BadReply::TooLarge)) => Some(Note::remark(
            format_args!("{doing}: its answer is larger than 64 KiB"),
            "No token comes of it; bound what you repeat",
        )),
        Verdict::Bad(kind) => Some(Note::failed(format_args!("{doing}: {kind}{said}"), advice_on(kind))),
        _ => None,
    }
}
