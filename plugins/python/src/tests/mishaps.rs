//! Modules that hang, crash, fork, or stop being importable.

use std::fs;

use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, eventually, exists, write_module};

const TROUBLE: &str = "import ctypes, os, signal, subprocess, sys, threading, time
def get_permissions(service, userid):
    if service == 'sleep': time.sleep(1000)
    if service == 'spin':
        while True: pass
    if service == 'hold': ctypes.PyDLL(None).sleep(1000)
    if service == 'deaf':
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
        time.sleep(1000)
    if service == 'exit': os._exit(7)
    if service == 'segfault': ctypes.string_at(0)
    if service == 'hang up': os.closerange(3, 100)
    if service == 'rubbish':
        for number in range(3, 20):
            try: os.write(number, b'\\x00\\x00\\x00\\x02{]')
            except OSError: pass
        time.sleep(1000)
    if service == 'leave child':
        child = subprocess.Popen(['sleep', '1000'])
        return {'child': child.pid, 'pid': os.getpid()}
    if service == 'daemon':
        threading.Thread(target=time.sleep, args=(1000,)).start()
    return {'pid': os.getpid()}
";

fn stage() -> Stage {
    Stage::new(TROUBLE, json!({}))
}

fn pid(stage: &Stage) -> Value {
    stage.reply("pid")["pid"].clone()
}

#[test]
fn a_worker_that_hangs_is_killed_and_the_next_call_gets_a_fresh_one() {
    let stage = stage();
    for service in ["sleep", "spin", "hold", "deaf"] {
        let before = pid(&stage);
        let answer =
            stage.fails_with(service, "get_permissions did not answer in time; its worker is killed");
        assert_eq!(answer.code, code::RETRY);
        eventually("its end", || !exists(&before));
        assert_ne!(pid(&stage), before);
    }
}

#[test]
fn a_worker_that_ends_in_a_call_fails_that_call_alone() {
    let stage = stage();
    for (service, said) in [
        ("exit", "the worker ended in get_permissions: exit status: 7"),
        ("segfault", "the worker ended in get_permissions: signal: 11 (SIGSEGV)"),
        ("hang up", "the worker ended in get_permissions"),
        ("rubbish", "the worker said something that is no answer"),
    ] {
        let before = pid(&stage);
        assert_eq!(stage.fails_with(service, said).code, code::FATAL);
        eventually("its end", || !exists(&before));
        assert_ne!(pid(&stage), before);
    }
}

#[test]
fn a_worker_that_ends_while_nobody_asks_is_replaced_without_a_failure() {
    let stage = stage();
    for _ in 0..3 {
        let before = pid(&stage);
        kill(&before, "KILL");
        eventually("a zombie or nothing", || {
            let stat = fs::read_to_string(format!("/proc/{before}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        });
        let after = stage.permissions("pid", "u1");
        assert_eq!(after.code, code::OK, "{after:?}");
        assert_ne!(after.reply.unwrap()["pid"], before);
        eventually("its end", || !exists(&before));
    }
}

fn kill(process: &Value, signal: &str) {
    let status = std::process::Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn children_of_a_worker_end_with_it() {
    let stage = stage();
    let left = stage.reply("leave child");
    stage.fails_with("exit", "exit status: 7");
    eventually("the end of the child", || !exists(&left["child"]) || is_zombie(&left["child"]));
    let left = stage.reply("leave child");
    drop(stage);
    eventually("the end of the child", || !exists(&left["child"]) || is_zombie(&left["child"]));
}

/// Whoever becomes its parent may take its time.
fn is_zombie(process: &Value) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn a_module_that_forks_disturbs_nobody() {
    let source = "import os, sys, time
def get_permissions(service, userid):
    child = os.fork()
    if child == 0:
        if service == 'returns': return {'who': 'child'}
        if service == 'raises': raise ValueError
        if service == 'exits': sys.exit()
        if service == 'stays': time.sleep(1000)
    if service != 'stays': os.waitpid(child, 0)
    if service == 'stays': os._exit(4)
    return {'who': 'parent'}
";
    let stage = Stage::new(source, json!({}));
    for service in ["returns", "raises", "exits", "returns"] {
        assert_eq!(stage.reply(service), json!({"who": "parent"}), "{service}");
    }
    if has_fork_hooks() {
        let answer = stage.fails_with("stays", "exit status: 4");
        assert_eq!(answer.code, code::FATAL, "the end is noticed although the child has not ended");
    }
    assert_eq!(stage.reply("returns"), json!({"who": "parent"}));
}

fn has_fork_hooks() -> bool {
    let probe = "import os, sys; sys.exit(not hasattr(os, 'register_at_fork'))";
    std::process::Command::new(super::stage::python()).args(["-c", probe]).status().unwrap().success()
}

#[test]
fn a_thread_of_the_module_does_not_keep_a_worker_from_ending() {
    let stage = stage();
    let process = stage.reply("daemon")["pid"].clone();
    drop(stage);
    assert!(!exists(&process), "dropping waits for it");
}

#[test]
fn a_module_that_cannot_be_imported_any_more_is_tried_again_with_pauses() {
    let stage = stage();
    write_module(stage.folder.path(), "raise RuntimeError('half written')");
    let before = pid(&stage);
    stage.fails_with("exit", "exit status: 7");
    let answer =
        stage.fails_with("pid", "no worker can be started: the import raised RuntimeError: half written");
    assert_eq!(answer.code, code::RETRY);
    let health = stage.plugin.health().unwrap();
    assert_eq!(health.code, code::RETRY, "{health:?}");
    let starts = |stage: &Stage| {
        stage.plugin.log().iter().filter(|line| line.1.starts_with("a worker cannot be started")).count()
    };
    // Pauses double: with no pause there would be a start for each of these.
    let tried = starts(&stage);
    for _ in 0..1000 {
        stage.plugin.health();
    }
    assert!(starts(&stage) < tried + 100);
    write_module(stage.folder.path(), TROUBLE);
    assert_ne!(pid(&stage), before);
    eventually("health", || stage.plugin.health().unwrap().code == code::OK);
}
