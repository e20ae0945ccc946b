//! The program is no library: its modules are built here once more.

#![no_main]
#![allow(dead_code, unused_imports, reason = "most of what the modules hold is for others")]

#[path = "../../crates/vestibule/src"]
mod program {
    pub(crate) mod error;
    pub(crate) mod settings;
}

use program::error;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| program::settings::fuzzing::settings_files(bytes));
