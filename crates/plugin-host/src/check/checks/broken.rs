//! Configurations that are wrong: they must be refused, and must not break anything.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::check::event::Note;
use crate::check::plan::ENOUGH;
use crate::check::subject::{ALIAS, Subject, is_proper_refusal};
use crate::schema;

/// How many members are tried.
const MEMBERS: usize = 32;
/// How many acceptances are named.
const NAMED: usize = 4;
const UNKNOWN: &str = "vestibule-unknown-member";

/// A configuration that is wrong in one way.
struct Broken {
    /// What is wrong, for "it was created with ...".
    words: String,
    config: Map<String, Value>,
    /// Whether a plugin should refuse it; otherwise it is enough to survive it.
    to_be_refused: bool,
}

pub(super) fn run(subject: &Subject<'_>) -> Note {
    let began = Instant::now();
    let (mut tried, mut accepted) = (0, Vec::new());
    for broken in all(subject) {
        subject.progress.doing(format_args!("it was created with {}", broken.words));
        match subject.create_with(ALIAS, &broken.config) {
            Ok(instance) => {
                subject.destroy(instance);
                let refused_before = schema::validate(schema_of(subject), &broken.config).is_err();
                accepted.extend((broken.to_be_refused && !refused_before).then_some(broken.words));
            }
            Err(fault) if is_proper_refusal(&fault) => {}
            Err(fault) => {
                let text = format!("with {} the plugin {}", broken.words, subject.explain(&fault));
                let advice = "Refuse it with FATAL and say why; a panic tells the operator nothing";
                subject.progress.note(Note::failed(text, advice));
            }
        }
        tried += 1;
        if began.elapsed() > ENOUGH {
            break;
        }
    }
    conclude(tried, &accepted)
}

fn conclude(tried: usize, accepted: &[String]) -> Note {
    if accepted.is_empty() {
        return Note::ok(format_args!("{tried} tried, none accepted that should not be"));
    }
    let named = accepted.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = accepted.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let advice = "Refuse what you do not know, so that a mistyped setting stops the start: with additionalProperties = false in the \
                  schema of the plugin the service does it, in any language; in Rust serde's deny_unknown_fields does as well";
    Note::remark(format_args!("it accepts {named}{more}"), advice)
}

fn schema_of<'a>(subject: &'a Subject<'_>) -> &'a str {
    &subject.library.description().config_schema
}

fn all(subject: &Subject<'_>) -> Vec<Broken> {
    let mut broken = vec![with(subject, UNKNOWN, "an unknown member".to_owned(), json!(true), true)];
    for (member, kinds) in members(subject).into_iter().take(MEMBERS) {
        for (name, kind, value) in wrong_values() {
            // Many plugins take null for absent, and are right to.
            let to_be_refused = !kinds.is_empty() && !kinds.contains(&kind) && kind != Kind::Null;
            broken.push(with(subject, &member, format!("`{member}` as {name}"), value, to_be_refused));
        }
    }
    broken
}

fn with(subject: &Subject<'_>, member: &str, words: String, value: Value, to_be_refused: bool) -> Broken {
    let mut config = subject.config.clone();
    config.insert(member.to_owned(), value);
    Broken { words, config, to_be_refused }
}

/// The type of a value, as far as it can be wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Switch,
    Number,
    Text,
    List,
    Object,
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Switch,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::Text,
        Value::Array(_) => Kind::List,
        Value::Object(_) => Kind::Object,
    }
}

fn wrong_values() -> Vec<(&'static str, Kind, Value)> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        ("null", json!(null)),
        ("a switch", json!(true)),
        ("a number", json!(-1)),
        ("a huge number", json!(1e300)),
        ("a text", json!("vestibule")),
        ("an empty text", json!("")),
        ("a text of 1 MiB", json!("x".repeat(1 << 20))),
        ("a text with a NUL inside", json!("a\0b")),
        ("a list", json!([1, "a", null])),
        ("a list of 100 levels", deep),
        ("an object", json!({"vestibule": {}})),
    ];
    values.into_iter().map(|(name, value)| (name, kind_of(&value), value)).collect()
}

/// The members that are known, each with the types that it may have; none when that is not known.
fn members(subject: &Subject<'_>) -> Vec<(String, Vec<Kind>)> {
    let schema: Value = serde_json::from_str(schema_of(subject)).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let from_config = subject.config.iter().filter(|(member, _)| !properties.contains_key(*member));
    let from_config = from_config.map(|(member, value)| (member.clone(), vec![kind_of(value)]));
    let from_schema = properties.iter().map(|(member, property)| (member.clone(), declared_kinds(property)));
    from_schema.chain(from_config).collect()
}

fn declared_kinds(property: &Value) -> Vec<Kind> {
    let one = |name: &Value| match name.as_str()? {
        "null" => Some(Kind::Null),
        "boolean" => Some(Kind::Switch),
        "integer" | "number" => Some(Kind::Number),
        "string" => Some(Kind::Text),
        "array" => Some(Kind::List),
        "object" => Some(Kind::Object),
        _ => None,
    };
    match property.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(one).collect(),
        name => name.and_then(one).into_iter().collect(),
    }
}
