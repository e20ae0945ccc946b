#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_providers::fuzzing::provider_keys(bytes));
