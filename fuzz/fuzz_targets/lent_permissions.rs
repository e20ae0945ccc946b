#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_domain::fuzzing::lent_permissions(bytes));
