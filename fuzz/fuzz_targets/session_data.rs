#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_domain::fuzzing::session_data(bytes));
