//! What a schema expects where something else is. The texts are made here, from the schema's side of each fault alone.

use std::fmt::{self, Display};

use boon::{ErrorKind, ValidationError};
use serde_json::Value;

use super::{LISTED, SchemaFault};
use crate::text::printable;

/// The longest part of a text that is shown: a name, a pattern, a permitted value.
const SHORT: usize = 120;
/// The longest description of a whole violation.
const LONG: usize = 600;
/// How many names or values of one kind are shown.
const FEW: usize = 8;

/// One place where a configuration is not as the schema demands. Never holds what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pointer: String,
    expected: String,
}

impl Violation {
    /// Where it is: `config`, then a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is expected there.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.pointer, self.expected)
    }
}

/// The leaves of a tree of faults, as many as are listed. `root` is what pointers begin with.
pub(super) fn collect(root: &str, error: &ValidationError<'_, '_>) -> SchemaFault {
    let (mut listed, mut more) = (Vec::new(), 0);
    each_leaf(error, &mut |leaf| match listed.len() {
        0..LISTED => listed.push(violation(root, leaf)),
        _ => more += 1,
    });
    SchemaFault::Violations { listed, more }
}

/// The first leaf alone.
pub(super) fn first(root: &str, error: &ValidationError<'_, '_>) -> String {
    let mut first = None;
    each_leaf(error, &mut |leaf| {
        first.get_or_insert_with(|| violation(root, leaf).to_string());
    });
    first.unwrap_or_default()
}

fn violation(root: &str, leaf: &ValidationError<'_, '_>) -> Violation {
    let pointer = format!("{root}{}", leaf.instance_location);
    Violation { pointer: cut(&pointer, LONG), expected: cut(&describe(leaf), LONG) }
}

/// Visits the faults that are the reason of all others. Alternatives stay together: each alone is no fault.
fn each_leaf(error: &ValidationError<'_, '_>, visit: &mut dyn FnMut(&ValidationError<'_, '_>)) {
    let is_reason = matches!(
        error.kind,
        ErrorKind::AnyOf | ErrorKind::OneOf(_) | ErrorKind::PropertyName { .. } | ErrorKind::Contains
    );
    if is_reason || error.causes.is_empty() {
        visit(error);
    } else {
        error.causes.iter().for_each(|cause| each_leaf(cause, visit));
    }
}

fn describe(error: &ValidationError<'_, '_>) -> String {
    use ErrorKind as Kind;
    match &error.kind {
        Kind::Type { want, .. } => format!("must be {}", listing(want.iter(), " or ")),
        Kind::Enum { want } => format!("must be one of {}", listing(want.iter().map(json), ", ")),
        Kind::Const { want } => format!("must be {}", json(want)),
        Kind::Format { want: "regex", .. } => {
            "must be a regular expression without look-around and back-references".to_owned()
        }
        Kind::Format { want, .. } => format!("must have the format {want}"),
        Kind::Pattern { want, .. } => format!("must match the pattern \"{}\"", short(want)),
        Kind::Required { want } => format!("must have {}", names(want)),
        Kind::Dependency { prop, missing } | Kind::DependentRequired { prop, missing } => {
            format!("must have {} because it has \"{}\"", names(missing), short(prop))
        }
        Kind::AdditionalProperties { got } => format!("must not have {}", names(got)),
        Kind::PropertyName { prop } => format!("must not have a member named \"{}\"", short(prop)),
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Not => "must not be what the schema excludes".to_owned(),
        Kind::AnyOf | Kind::OneOf(None) => alternatives(error),
        Kind::OneOf(Some(_)) => "fits several alternatives, of which only one may fit".to_owned(),
        other => describe_size(other),
    }
}

fn describe_size(kind: &ErrorKind<'_, '_>) -> String {
    use ErrorKind as Kind;
    match kind {
        Kind::MinLength { want, .. } => format!("must have at least {}", count(*want, "character")),
        Kind::MaxLength { want, .. } => format!("must have at most {}", count(*want, "character")),
        Kind::MinItems { want, .. } => format!("must have at least {}", count(*want, "item")),
        Kind::MaxItems { want, .. } => format!("must have at most {}", count(*want, "item")),
        Kind::MinProperties { want, .. } => format!("must have at least {}", count(*want, "member")),
        Kind::MaxProperties { want, .. } => format!("must have at most {}", count(*want, "member")),
        Kind::Minimum { want, .. } => format!("must be at least {want}"),
        Kind::Maximum { want, .. } => format!("must be at most {want}"),
        Kind::ExclusiveMinimum { want, .. } => format!("must be more than {want}"),
        Kind::ExclusiveMaximum { want, .. } => format!("must be less than {want}"),
        Kind::MultipleOf { want, .. } => format!("must be a multiple of {want}"),
        Kind::UniqueItems { .. } => "must not have two equal items".to_owned(),
        Kind::AdditionalItems { .. } => "has too many items".to_owned(),
        Kind::Contains => "must have an item of the kind that the schema asks for".to_owned(),
        Kind::MinContains { want, .. } => format!("must have at least {want} items of the kind asked for"),
        Kind::MaxContains { want, .. } => format!("must have at most {want} items of the kind asked for"),
        _ => "is not as the schema demands".to_owned(),
    }
}

/// What each alternative expects, by its first fault, without repeating what several expect alike.
fn alternatives(error: &ValidationError<'_, '_>) -> String {
    let mut expectations: Vec<String> = Vec::new();
    for alternative in error.causes.iter().take(FEW) {
        let mut first = None;
        each_leaf(alternative, &mut |leaf| {
            first.get_or_insert_with(|| relative(error, leaf));
        });
        expectations.extend(first.filter(|text| !expectations.contains(text)));
    }
    let all_shown = error.causes.len() <= FEW;
    format!("{}{}", expectations.join("; or "), if all_shown { "" } else { "; or something else" })
}

/// A fault as seen from one that encloses it.
fn relative(outer: &ValidationError<'_, '_>, inner: &ValidationError<'_, '_>) -> String {
    let (outer, location) = (outer.instance_location.to_string(), inner.instance_location.to_string());
    match location.strip_prefix(&outer).unwrap_or(&location) {
        "" => describe(inner),
        rest => format!("{} {}", short(rest), describe(inner)),
    }
}

fn names<T: AsRef<str>>(names: &[T]) -> String {
    listing(names.iter().map(|name| format!("\"{}\"", short(name.as_ref()))), ", ")
}

fn json(value: &Value) -> String {
    short(&value.to_string())
}

fn listing<T: Display>(items: impl Iterator<Item = T>, separator: &str) -> String {
    let mut items: Vec<_> = items.take(FEW + 1).map(|item| item.to_string()).collect();
    if items.len() > FEW {
        items.truncate(FEW);
        items.push("...".to_owned());
    }
    items.join(separator)
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A text that is fit for one line of a log, and not long.
pub(super) fn short(text: &str) -> String {
    cut(text, SHORT)
}

fn cut(text: &str, limit: usize) -> String {
    let mut kept: String = printable(text).chars().take(limit + 1).collect();
    if kept.chars().count() > limit {
        kept = kept.chars().take(limit).chain("...".chars()).collect();
    }
    kept
}
