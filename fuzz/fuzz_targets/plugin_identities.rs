#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_plugin_host::fuzzing::plugin_identities(bytes));
