//! Answers as text that is the same in every run.

use serde_json::Value;
use vestibule_test_support::Answer;

/// Headers, and members of bodies, whose value is new in every run.
const CHANGING: [&str; 5] = ["kid", "n", "set-cookie", "token", "x-request-id"];
/// How many hexadecimal digits the id of a user or of a session has.
const ID_DIGITS: usize = 32;

/// The status, the headers in order, and the body, with JSON on lines of its own. What changes from run to run is named instead.
pub(crate) fn show(answer: &Answer) -> String {
    let headers = answer.headers.iter().map(|(name, value)| {
        let value = if is_changing(name.as_str()) { "[…]" } else { value.to_str().expect("text") };
        format!("{name}: {value}\n")
    });
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    let body = match serde_json::from_str::<Value>(&answer.body) {
        Ok(json) => format!("{:#}", hide(json)),
        Err(_) => answer.body.clone(),
    };
    let text = format!("{}\n{}\n{body}", answer.status, headers.concat());
    let request_id = answer.header("x-request-id").expect("every answer has one");
    hide_ids(&hide_tokens(&text.replace(request_id, "[request id]")))
}

fn is_changing(name: &str) -> bool {
    CHANGING.contains(&name)
}

/// The same JSON without the texts that change.
fn hide(json: Value) -> Value {
    match json {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let hidden = is_changing(&name) && value.is_string();
                let value = if hidden { Value::from("[…]") } else { hide(value) };
                (name, value)
            });
            Value::Object(members.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(hide).collect()),
        other => other,
    }
}

/// The text without the user tokens in its addresses.
fn hide_tokens(text: &str) -> String {
    let mut parts = text.split("jwt=ey");
    let first = parts.next().unwrap_or_default().to_owned();
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    parts.fold(first, |text, part| text + "jwt=[token]" + part.trim_start_matches(is_token))
}

/// The text without the ids of users and sessions.
fn hide_ids(text: &str) -> String {
    let is_hex = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
    let mut hidden = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_hex) {
        let (before, found) = rest.split_at(start);
        let end = found.find(|letter| !is_hex(letter)).unwrap_or(found.len());
        let (digits, behind) = found.split_at(end);
        hidden.push_str(before);
        hidden.push_str(if end == ID_DIGITS { "[id]" } else { digits });
        rest = behind;
    }
    hidden + rest
}

/// Compares an answer with its snapshot, which has the name that is given, or that of the test.
macro_rules! assert_answer {
    ($name:expr, $answer:expr) => {{
        let shown = $crate::snapshot::show(&$answer);
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($name, shown) });
    }};
    ($answer:expr) => {{
        let shown = $crate::snapshot::show(&$answer);
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
    }};
}
pub(crate) use assert_answer;
