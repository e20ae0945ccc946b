#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_verifier::fuzzing::verifier_keys(bytes));
