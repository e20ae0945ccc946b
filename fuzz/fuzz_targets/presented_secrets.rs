#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_http::fuzzing::presented_secrets(bytes));
