//! What a module prints, and what it reads.

use vestibule_plugin_sdk::abi::level;
use vestibule_plugin_sdk::json;

use super::stage::{Stage, eventually};

#[test]
fn what_a_module_prints_goes_to_the_log_and_not_into_the_answer() {
    let source = "import logging, os, subprocess, sys
print('imported')
def get_permissions(service, userid):
    print('grün', '\\ud800', 'x' * 5000)
    sys.stderr.write('two\\n\\nlines\\n')
    logging.warning('%s is odd', service)
    logging.info('nobody asked for this')
    os.write(1, b'\\xff raw\\n')
    subprocess.check_call(['sh', '-c', 'echo a child; echo its trouble >&2'])
    return {'read': True}
";
    let stage = Stage::new(source, json!({}));
    assert_eq!(stage.reply("billing"), json!({"read": true}));
    let cut = format!("grün \\ud800 {} (cut)", "x".repeat(2048 - "grün \\ud800 ".len()));
    for (level, text) in [
        (level::INFO, "imported"),
        (level::INFO, &*cut),
        (level::INFO, "\u{fffd} raw"),
        (level::INFO, "a child"),
        (level::WARN, "two"),
        (level::WARN, "lines"),
        (level::WARN, "WARNING:root:billing is odd"),
        (level::WARN, "its trouble"),
    ] {
        eventually(text, || stage.log_has(level, text));
    }
    let log = stage.plugin.log();
    assert!(log.iter().all(|line| !line.1.contains("nobody asked")), "{log:?}");
}

#[test]
fn a_module_that_reads_its_input_finds_the_end_of_it() {
    let source = "import sys, os
def get_permissions(service, userid):
    return {'read': sys.stdin.read() + repr(os.read(0, 10)), 'argv': sys.argv, 'path': '' in sys.path}
";
    let stage = Stage::new(source, json!({}));
    assert_eq!(stage.reply("billing"), json!({"read": "b''", "argv": ["-c"], "path": false}));
}

#[test]
fn a_module_may_throw_its_streams_away() {
    let source = "import os, sys
os.close(1)
sys.stdout = sys.stderr = sys.stdin = None
def get_permissions(service, userid):
    print('nowhere')
    return {'read': True}
";
    assert_eq!(Stage::new(source, json!({})).reply("billing"), json!({"read": true}));
}

#[test]
fn the_last_words_of_a_worker_are_heard() {
    let source = "import ctypes, os, sys
def get_permissions(service, userid):
    sys.stderr.write('famous')
    sys.stderr.flush()
    if service == 'exit': os._exit(3)
    ctypes.string_at(0)
";
    let stage = Stage::new(source, json!({}));
    stage.fails_with("exit", "exit status: 3");
    eventually("last words", || stage.log_has(level::WARN, "famous"));
    stage.fails_with("crash", "SIGSEGV");
    let told = || stage.plugin.log().iter().any(|line| line.1.contains("in get_permissions"));
    eventually("the place of the crash", told);
}
