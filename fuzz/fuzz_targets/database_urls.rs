#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_storage::fuzzing::database_urls(bytes));
