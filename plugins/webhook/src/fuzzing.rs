//! The target of the fuzzer in this plugin: what a receiver may answer.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use time::macros::datetime;
use vestibule_plugin_sdk::{Error, Value};

use crate::backoff::{pause, retry_after};
use crate::reply::{Question, Reply, parse};

/// A target, behind its name.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: &[Target] = &[("webhook_answers", webhook_answers)];

/// An answer is one of the forms that belong to the question, or a failure whose text is ours; no word of the receiver makes a
/// pause that cannot be counted.
pub(crate) fn webhook_answers(bytes: &[u8]) {
    for question in [Question::Permissions, Question::Hook, Question::Token] {
        match parse(question, bytes) {
            Ok(Reply::Permissions { permissions, ttl_seconds }) => {
                assert_eq!(question, Question::Permissions);
                let answer: Value = serde_json::from_slice(bytes).unwrap();
                assert_eq!(answer.get("permissions"), Some(&Value::Object(permissions)));
                assert_eq!(answer.get("ttl_seconds").and_then(Value::as_u64), ttl_seconds.map(u64::from));
            }
            Ok(Reply::Identity { identity, .. }) => {
                assert_eq!(question, Question::Token);
                let answer: Value = serde_json::from_slice(bytes).unwrap();
                assert_eq!(answer.get("identity"), Some(&Value::Object(identity)));
            }
            Ok(Reply::Patch(patch)) => {
                assert_eq!(question, Question::Hook);
                let answer: Value = serde_json::from_slice(bytes).unwrap();
                assert_eq!(answer.get("patch"), Some(&Value::Object(patch)));
            }
            Ok(Reply::Nothing) => unreachable!("a body says something"),
            Err(Error::Fatal(text)) => assert!(text.is_ascii() && text.len() < 300, "{text}"),
            Err(_) => {}
        }
    }
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
    if let Some(after) = retry_after(&headers, datetime!(2026-11-25 08:00:00 UTC)) {
        assert!(pause(1, Some(after)) >= after);
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
