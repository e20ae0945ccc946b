//! The target of the fuzzer in this plugin: what a worker may say.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use vestibule_plugin_sdk::Value;

use crate::difference::patch;
use crate::frame::{FrameError, complete, with_length};
use crate::message::Reply;

/// A target, behind its name.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: &[Target] = &[("python_replies", python_replies)];

/// A message is complete once all of it is there and not before, and is what it says it is.
pub(crate) fn python_replies(bytes: &[u8]) {
    match complete(bytes) {
        Ok(Some(body)) => assert_eq!(with_length(body), bytes),
        Ok(None) => {}
        Err(error) => assert!(matches!(error, FrameError::Rubbish)),
    }
    let frame = with_length(bytes);
    assert_eq!(complete(&frame).unwrap(), Some(bytes));
    if let Some((_, part)) = frame.split_last() {
        assert!(matches!(complete(part), Ok(None)));
    }
    match serde_json::from_slice::<Reply>(bytes) {
        Ok(Reply::User { kept, .. }) => {
            assert_eq!(patch(&kept, &kept), None, "who changes nothing has no patch");
            let before = [("name".to_owned(), Value::from("Ada"))].into_iter().collect();
            if let Some(patch) = patch(&before, &kept) {
                assert!(patch.keys().all(|name| kept.contains_key(name)));
            }
        }
        Ok(Reply::Exception(exception)) => {
            assert!(exception.to_string().starts_with(&exception.kind));
        }
        Ok(_) | Err(_) => {}
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
