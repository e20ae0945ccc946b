#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_tokens::fuzzing::sealed_answers(bytes));
