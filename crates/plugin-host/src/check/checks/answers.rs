//! Every operation, asked about ordinary people; the host's own interpret decides.

use serde_json::{Map, Value};
use vestibule_domain::{Attributes, UserPatch};

use crate::answer::RawAnswer;
use crate::check::event::Note;
use crate::check::questions::Person;
use crate::check::subject::{Subject, Verdict, advice_on, ask, verdict};
use crate::error::LoadFault;
use crate::observer::Operation;

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let (mut asked, mut objects) = (0, 0);
    for operation in subject.operations().iter().copied() {
        for person in ["ada", "9f2c1e7ab04d4c5c8a0e6d1f3b72c954"].map(Person::new) {
            subject.progress.doing(format_args!("it answered {}", operation.as_str()));
            let answer = ask(&instance, &person.question(operation));
            let note = interpret(subject, operation, answer, &mut objects);
            asked += 1;
            if let Some(note) = note {
                subject.progress.note(note);
                break;
            }
        }
    }
    subject.destroy(instance);
    Ok(Note::ok(format_args!("{asked} calls, {objects} objects")))
}

fn interpret(
    subject: &Subject<'_>,
    operation: Operation,
    answer: RawAnswer,
    objects: &mut usize,
) -> Option<Note> {
    let (name, said) = (operation.as_str(), subject.said(&answer.error));
    match verdict(operation, answer) {
        Verdict::Bad(kind) => Some(Note::failed(format_args!("{name}: {kind}{said}"), advice_on(kind))),
        Verdict::Refusal(code) => Some(refusal(operation, code, &said)),
        Verdict::Nothing => None,
        Verdict::Object(object) => {
            *objects += 1;
            match operation {
                Operation::Explain => explanation(&object),
                Operation::NewUser | Operation::UserLogin | Operation::UserLogout => patch(name, object),
                Operation::Permissions | Operation::Health | Operation::ResolveToken => None,
            }
        }
    }
}

fn refusal(operation: Operation, code: &str, said: &str) -> Note {
    let advice = match operation {
        Operation::Health => "With this the service is not ready (/readyz)",
        Operation::Permissions | Operation::Explain => {
            "With this there is no token; it may be right for a user whom the plugin does not know"
        }
        Operation::ResolveToken => {
            "With this the request is refused; a token that is not the plugin's is best answered with \"no opinion\""
        }
        _ => "With this the event is logged as failed and skipped",
    };
    Note::remark(format_args!("{} answers \"{code}\"{said}", operation.as_str()), advice)
}

/// What the host would leave out of a patch.
fn patch(name: &str, object: Map<String, Value>) -> Option<Note> {
    let (patch, mut refused) = UserPatch::from_merge_patch(object);
    refused.extend(patch.attributes_after(&Attributes::default()).err());
    if refused.is_empty() {
        return None;
    }
    let reasons: Vec<_> = refused.iter().take(8).map(ToString::to_string).collect();
    let advice = "A patch may set name, avatar_url and attributes; the rest of it is left out and logged";
    Some(Note::remark(
        format_args!("a part of the patch of {name} is refused: {}", reasons.join("; ")),
        advice,
    ))
}

fn explanation(object: &Map<String, Value>) -> Option<Note> {
    let permissions = object.get("permissions").is_some_and(Value::is_object);
    let because = object.get("because").and_then(Value::as_array);
    let reasons =
        because.is_some_and(|rules| rules.iter().all(|rule| rule.get("rule").is_some_and(Value::is_string)));
    if permissions && reasons {
        return None;
    }
    let advice =
        "Reply {\"permissions\":{...},\"because\":[{\"rule\":\"...\",\"gave\":...,\"text\":\"...\"}]}";
    Some(Note::failed("explain: its answer has not the members that an explanation has", advice))
}
