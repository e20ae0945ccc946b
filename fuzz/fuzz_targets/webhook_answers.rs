//! A plugin is no library that Rust could link: its modules are built here once more.

#![no_main]
#![allow(dead_code, unused_imports, reason = "most of what the modules hold is for others")]

#[path = "../../plugins/webhook/src"]
mod webhook {
    pub(crate) mod answer;
    pub(crate) mod backoff;
    pub(crate) mod fuzzing;
    pub(crate) mod json;
}

use webhook::{answer, backoff, json};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webhook::fuzzing::webhook_answers(bytes));
