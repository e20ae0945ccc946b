//! What a receiver may answer. Whatever is not exactly one of these forms is a failure, never an empty answer; the
//! texts name what is wrong and hold nothing of what was received.

use vestibule_plugin_sdk::{Error, Map, Result, Value};

use crate::json;

/// What was asked: not every answer fits every question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Permissions,
    Hook,
    Token,
}

/// A good answer. The two that are no answer to the user's advantage, `no_opinion` and `deny`, are errors.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    Permissions { permissions: Map<String, Value>, ttl_seconds: Option<u32> },
    Identity { identity: Map<String, Value>, ttl_seconds: Option<u32> },
    Patch(Map<String, Value>),
    Nothing,
}

/// Reads the body of a 200.
pub(crate) fn parse(question: Question, body: &[u8]) -> Result<Reply> {
    let mut members =
        json::parse_object(body).map_err(|fault| Error::fatal(format!("the answer {fault}")))?;
    match (kind(&members)?, question) {
        (Kind::Permissions, Question::Permissions) => permissions(&mut members),
        (Kind::Identity, Question::Token) => identity(&mut members),
        (Kind::Patch, Question::Hook) => object(&mut members, "patch").map(Reply::Patch),
        (Kind::NoOpinion, _) => Err(no_opinion(&members)),
        (Kind::Deny, _) => Err(denial(&members)),
        (Kind::Permissions | Kind::Identity | Kind::Patch, _) => Err(does_not_fit(question)),
    }
}

/// An answer of a form that belongs to the other kind of question.
pub(crate) fn does_not_fit(question: Question) -> Error {
    Error::fatal(match question {
        Question::Permissions => "the answer has no `permissions`, and permissions were asked for",
        Question::Hook => "the answer has `permissions` or `identity`, and an event was told",
        Question::Token => "the answer has no `identity`, and the holder of a token was asked for",
    })
}

enum Kind {
    Permissions,
    Identity,
    Patch,
    NoOpinion,
    Deny,
}

/// Tells the forms apart by their sets of members.
fn kind(members: &Map<String, Value>) -> Result<Kind> {
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    match names.as_slice() {
        ["permissions"] | ["permissions", "ttl_seconds"] => Ok(Kind::Permissions),
        ["identity"] | ["identity", "ttl_seconds"] => Ok(Kind::Identity),
        ["patch"] => Ok(Kind::Patch),
        ["no_opinion"] => Ok(Kind::NoOpinion),
        ["deny"] => Ok(Kind::Deny),
        _ => Err(Error::fatal(what_is_wrong_with(&names))),
    }
}

fn what_is_wrong_with(names: &[&str]) -> &'static str {
    const KNOWN: [&str; 6] = ["permissions", "identity", "patch", "no_opinion", "deny", "ttl_seconds"];
    if names.is_empty() {
        "the answer is an empty object; no permissions are `{\"permissions\": {}}`"
    } else if names.iter().all(|name| KNOWN.contains(name)) {
        "the answer has members that exclude each other: one of `permissions`, `identity`, `patch`, `no_opinion`, `deny` is \
         expected, and `ttl_seconds` beside the first two only"
    } else {
        "the answer has a member that is none of `permissions`, `identity`, `ttl_seconds`, `patch`, `no_opinion`, `deny`"
    }
}

fn permissions(members: &mut Map<String, Value>) -> Result<Reply> {
    let ttl_seconds = members.remove("ttl_seconds").map(|value| seconds(&value)).transpose()?;
    Ok(Reply::Permissions { permissions: object(members, "permissions")?, ttl_seconds })
}

fn identity(members: &mut Map<String, Value>) -> Result<Reply> {
    let ttl_seconds = members.remove("ttl_seconds").map(|value| seconds(&value)).transpose()?;
    Ok(Reply::Identity { identity: object(members, "identity")?, ttl_seconds })
}

fn object(members: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>> {
    match members.remove(name) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(Error::fatal(format!("`{name}` in the answer is not an object"))),
    }
}

fn seconds(value: &Value) -> Result<u32> {
    let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    seconds
        .ok_or_else(|| Error::fatal("`ttl_seconds` in the answer is not a whole number from 0 to 4294967295"))
}

fn no_opinion(members: &Map<String, Value>) -> Error {
    match members.get("no_opinion") {
        Some(Value::Bool(true)) => Error::NoOpinion,
        _ => Error::fatal("`no_opinion` in the answer is not `true`"),
    }
}

fn denial(members: &Map<String, Value>) -> Error {
    match members.get("deny") {
        Some(Value::String(reason)) => Error::deny(reason),
        _ => Error::fatal("`deny` in the answer is not a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::json;

    fn parsed(question: Question, answer: &Value) -> Result<Reply> {
        parse(question, answer.to_string().as_bytes())
    }

    #[test]
    fn every_form_is_read_where_it_belongs() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let permissions =
            |value, ttl_seconds| Ok(Reply::Permissions { permissions: object(value), ttl_seconds });
        let ask = |answer| parsed(Question::Permissions, &answer);
        assert_eq!(ask(json!({"permissions": {"read": true}})), permissions(json!({"read": true}), None));
        assert_eq!(ask(json!({"permissions": {}, "ttl_seconds": 60})), permissions(json!({}), Some(60)));
        let tell = |answer| parsed(Question::Hook, &answer);
        assert_eq!(tell(json!({"patch": {"name": null}})), Ok(Reply::Patch(object(json!({"name": null})))));
        let resolve = |answer| parsed(Question::Token, &answer);
        let identity =
            |ttl_seconds| Ok(Reply::Identity { identity: object(json!({"uid": "u"})), ttl_seconds });
        assert_eq!(resolve(json!({"identity": {"uid": "u"}})), identity(None));
        assert_eq!(resolve(json!({"identity": {"uid": "u"}, "ttl_seconds": 60})), identity(Some(60)));
        for question in [Question::Permissions, Question::Hook, Question::Token] {
            assert_eq!(parsed(question, &json!({"no_opinion": true})), Err(Error::NoOpinion));
            assert_eq!(parsed(question, &json!({"deny": "left"})), Err(Error::deny("left")));
        }
    }

    #[test]
    fn e7_every_other_form_fails_and_the_text_says_why() {
        let cases = [
            (json!({}), "empty object"),
            (json!([]), "not a JSON object"),
            (json!({"permissions": {}, "patch": {}}), "exclude each other"),
            (json!({"permissions": {}, "deny": "hunter2"}), "exclude each other"),
            (json!({"ttl_seconds": 60}), "exclude each other"),
            (json!({"deny": "x", "ttl_seconds": 60}), "exclude each other"),
            (json!({"permissions": {}, "hunter2": 1}), "none of"),
            (json!({"permission": {"hunter2": true}}), "none of"),
            (json!({"permissions": ["hunter2"]}), "`permissions` in the answer is not an object"),
            (json!({"permissions": null}), "`permissions` in the answer is not an object"),
            (json!({"permissions": {}, "ttl_seconds": -1}), "`ttl_seconds`"),
            (json!({"permissions": {}, "ttl_seconds": 1.5}), "`ttl_seconds`"),
            (json!({"permissions": {}, "ttl_seconds": "60"}), "`ttl_seconds`"),
            (json!({"permissions": {}, "ttl_seconds": 4_294_967_296_u64}), "`ttl_seconds`"),
            (json!({"no_opinion": false}), "`no_opinion`"),
            (json!({"no_opinion": "hunter2"}), "`no_opinion`"),
            (json!({"deny": true}), "`deny`"),
            (json!({"patch": {"hunter2": 1}}), "permissions were asked for"),
            (json!({"identity": {"uid": "hunter2"}}), "permissions were asked for"),
            (json!({"identity": {"uid": "hunter2"}, "permissions": {}}), "exclude each other"),
        ];
        for (answer, says) in cases {
            let Err(Error::Fatal(text)) = parsed(Question::Permissions, &answer) else { panic!("{answer}") };
            assert!(text.contains(says) && !text.contains("hunter2"), "{answer}: {text}");
        }
        let Err(Error::Fatal(text)) = parsed(Question::Hook, &json!({"permissions": {}})) else { panic!() };
        assert!(text.contains("an event was told"), "{text}");
        for (answer, says) in [
            (json!({"permissions": {}}), "holder of a token was asked for"),
            (json!({"patch": {}}), "holder of a token was asked for"),
            (json!({"identity": "hunter2"}), "`identity` in the answer is not an object"),
            (json!({"identity": {}, "ttl_seconds": -1}), "`ttl_seconds`"),
        ] {
            let Err(Error::Fatal(text)) = parsed(Question::Token, &answer) else { panic!("{answer}") };
            assert!(text.contains(says) && !text.contains("hunter2"), "{answer}: {text}");
        }
        let Err(Error::Fatal(text)) = parsed(Question::Hook, &json!({"patch": 1})) else { panic!() };
        assert!(text.contains("`patch` in the answer"), "{text}");
    }
}
