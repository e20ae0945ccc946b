#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_tokens::fuzzing::opaque_secrets(bytes));
