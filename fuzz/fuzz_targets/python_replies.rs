//! A plugin is no library that Rust could link: its modules are built here once more.

#![no_main]
#![allow(dead_code, unused_imports, reason = "most of what the modules hold is for others")]

#[path = "../../plugins/python/src"]
mod python {
    pub(crate) mod difference;
    pub(crate) mod failure;
    pub(crate) mod frame;
    pub(crate) mod fuzzing;
    pub(crate) mod message;
}

use python::{difference, frame, message};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| python::fuzzing::python_replies(bytes));
