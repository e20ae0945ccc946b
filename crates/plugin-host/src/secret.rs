//! The secret that an operation was given, kept out of whatever the plugin says meanwhile.
//!
//! Plugins quote what they choke on: an exception names the key that was not found. So while an operation runs that was given
//! a secret, each text of the plugin that reaches the host on that thread has a stand-in in its place. What a plugin says on a
//! thread of its own, or prints, is its author's to keep.

use std::borrow::Cow;
use std::cell::RefCell;

use zeroize::Zeroizing;

const STAND_IN: &str = "(token)";

thread_local! {
    static HELD: RefCell<Option<Zeroizing<String>>> = const { RefCell::new(None) };
}

/// Ends the holding when it is dropped, also by a panic.
pub(crate) struct Held(());

/// From now on, until the value is dropped, this secret is hidden on this thread.
pub(crate) fn hold(secret: &str) -> Held {
    HELD.with_borrow_mut(|held| *held = Some(Zeroizing::new(secret.to_owned())));
    Held(())
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| *held = None);
    }
}

/// How much longer a text may be for the secret in it.
pub(crate) fn length() -> usize {
    read(|secret| secret.map_or(0, str::len))
}

/// The text without the secret, also where it is written as in JSON.
pub(crate) fn hide(text: &str) -> Cow<'_, str> {
    read(|secret| match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => Cow::Owned(without(text, secret)),
        None => Cow::Borrowed(text),
    })
}

/// A plugin may log while its thread ends, when nothing is held any more.
fn read<T>(what: impl Fn(Option<&str>) -> T) -> T {
    let look = |held: &RefCell<Option<Zeroizing<String>>>| {
        what(held.borrow().as_ref().map(|secret| secret.as_str()))
    };
    HELD.try_with(look).unwrap_or_else(|_| what(None))
}

fn without(text: &str, secret: &str) -> String {
    let escaped = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
    let escaped = escaped.trim_matches('"');
    let text = text.replace(secret, STAND_IN);
    if escaped.is_empty() || escaped == secret { text } else { text.replace(escaped, STAND_IN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_as_it_is_and_as_it_stands_in_json_and_only_while_it_is_held() {
        let held = hold("hun\"ter\\2");
        assert_eq!(hide("KeyError: hun\"ter\\2."), "KeyError: (token).");
        assert_eq!(hide(r#"{"key":"hun\"ter\\2"}"#), r#"{"key":"(token)"}"#);
        drop(held);
        assert_eq!((hide("hun\"ter\\2"), length()), ("hun\"ter\\2".into(), 0));
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        let _held = hold("");
        assert_eq!(hide("words"), "words");
    }

    #[test]
    fn a_panic_ends_the_holding() {
        let panicked = std::panic::catch_unwind(|| {
            let _held = hold("hunter2");
            panic!("in between");
        });
        assert!(panicked.is_err());
        assert_eq!(hide("hunter2"), "hunter2");
    }
}
