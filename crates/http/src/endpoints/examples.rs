//! Values of parameters that the document shows, as a deployment might have them.

#![allow(clippy::unnecessary_wraps, reason = "an example has the type of its parameter")]

pub(super) fn next() -> Option<String> {
    Some("https://app.example.com/welcome".to_owned())
}

pub(super) fn provider() -> String {
    "google".to_owned()
}

pub(super) fn own_provider() -> String {
    "corporate".to_owned()
}

pub(super) fn service() -> Option<String> {
    Some("storage".to_owned())
}

pub(super) fn username() -> Option<String> {
    Some("ada".to_owned())
}
