//! What must hold of whatever is read as a reply, for the fuzzer and for the properties.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use serde_json::Value;

use super::{MAX_DEPTH, parse_object};
use crate::answer::{MAX_REPLY_BYTES, RawAnswer, RawReply};
use crate::bad_reply::BadReply;

/// Whatever is accepted reads the same with the library's own reader, is not too deep and has lost no member.
pub fn plugin_answers(bytes: &[u8]) {
    let mut reply = RawReply::None;
    let given = reply.give(bytes);
    assert_eq!(given, bytes.len() <= MAX_REPLY_BYTES);
    let read = RawAnswer::object(reply);
    assert!(given || read == Err(BadReply::TooLarge));
    assert_sound(bytes);
    assert_sound(&[b"{\"a\":", bytes, b"}"].concat());
}

pub(super) fn assert_sound(bytes: &[u8]) {
    let Ok(object) = parse_object(bytes) else { return };
    let value = Value::Object(object);
    let text = str::from_utf8(bytes).unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), Some(&value), "{text:?}");
    assert!(depth(&value) <= MAX_DEPTH);
    assert_eq!(members(&value), colons(text));
    // It is passed on as JSON, which this side would accept as well.
    let again = parse_object(value.to_string().as_bytes()).map(Value::Object).unwrap();
    assert_eq!(again, value);
}

pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// How many members a text of JSON writes: the colons that are in no string.
fn colons(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}
