//! Strings that have broken programs, in every place where a string can stand.

use std::time::Instant;

use crate::BadReply;
use crate::check::event::Note;
use crate::check::plan::ENOUGH;
use crate::check::questions::{Member, Odd, PLACES, Person, TOKEN, odd_strings, odd_tokens};
use crate::check::subject::{Subject, Verdict, advice_on, ask, verdict};
use crate::error::LoadFault;
use crate::failure::FailureKind;
use crate::observer::Operation;
use crate::raw::RawInstance;

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let began = Instant::now();
    let (odd, tokens) = (odd_strings(), odd_tokens());
    let mut asked = 0;
    for Case { odd, place: (place, member), is_token } in cases(&odd, &tokens) {
        let mut person = Person::new("ada");
        member(&mut person).clone_from(&odd.text);
        for operation in subject.operations().iter().filter(|it| reads(**it, is_token)) {
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
    let places = PLACES.len() + usize::from(subject.operations().contains(&Operation::ResolveToken));
    Ok(Note::ok(format_args!("{asked} calls with {} strings in {places} places", odd.len())))
}

/// A string in one place.
struct Case<'a> {
    odd: &'a Odd,
    place: (&'static str, Member),
    is_token: bool,
}

fn cases<'a>(odd: &'a [Odd], tokens: &'a [Odd]) -> impl Iterator<Item = Case<'a>> {
    let places = odd.iter().flat_map(|odd| PLACES.map(|place| Case { odd, place, is_token: false }));
    places.chain(tokens.iter().map(|odd| Case { odd, place: TOKEN, is_token: true }))
}

/// Whether an operation reads the token, or all else.
fn reads(operation: Operation, the_token: bool) -> bool {
    operation != Operation::Health && (operation == Operation::ResolveToken) == the_token
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
