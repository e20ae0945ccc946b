//! How many workers there are, when they come and go.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, config, eventually, exists, patiently, write_module};
use crate::Python;

const PID: &str = "import os
def get_permissions(service, userid): return {'pid': os.getpid()}
";

#[test]
fn calls_at_once_have_a_worker_each_and_no_more_than_allowed() {
    let source = "import os, time
def get_permissions(service, userid):
    folder = os.path.dirname(__file__)
    mine = os.path.join(folder, 'here-%d' % os.getpid())
    open(mine, 'w').close()
    if service == 'meet':
        until = time.time() + 0.7
        while len([name for name in os.listdir(folder) if name.startswith('here-')]) < 3:
            if time.time() > until: raise TimeoutError
            time.sleep(0.01)
    return {'pid': os.getpid()}
";
    let stage = Stage::new(source, json!({"workers": 3}));
    // Each waits for the others inside the module, which only works when three run at once.
    let ask = || stage.permissions("meet", "u1").reply.unwrap()["pid"].to_string();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        let pids: BTreeSet<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!((1..=3).contains(&pids.len()), "{pids:?}");
    });
    let met = fs::read_dir(stage.folder.path().join("acme")).unwrap().flatten();
    let met = met.filter(|entry| entry.file_name().to_string_lossy().starts_with("here-")).count();
    assert_eq!(met, 3);
}

#[test]
fn a_call_that_finds_all_workers_busy_is_told_so() {
    let source = "import time
def get_permissions(service, userid): time.sleep(1000)
";
    let stage = Stage::new(source, json!({}));
    let start = Barrier::new(2);
    let errors = || {
        start.wait();
        stage.plugin.get_permissions("billing", "u1").unwrap()
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(errors), scope.spawn(errors)];
        let answers = threads.map(|thread| thread.join().unwrap());
        assert!(answers.iter().all(|answer| answer.code == code::RETRY), "{answers:?}");
        let told = |text: &str| answers.iter().any(|answer| answer.error.as_ref().unwrap().contains(text));
        assert!(told("did not answer in time"), "{answers:?}");
    });
}

#[test]
fn workers_are_replaced_after_as_many_calls_as_the_operator_says() {
    let stage = Stage::new(PID, json!({"max_requests": 2}));
    let pids: Vec<Value> = (0..6).map(|_| stage.reply("billing")["pid"].clone()).collect();
    for pair in pids.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    let different: BTreeSet<String> = pids.iter().map(Value::to_string).collect();
    assert_eq!(different.len(), 3);
    for gone in &pids[..4] {
        eventually("its end", || !exists(gone));
    }
}

#[test]
fn a_worker_that_is_let_go_may_put_things_in_order() {
    let source = "import atexit, os
folder = os.path.dirname(__file__)
atexit.register(lambda: open(os.path.join(folder, 'in-order'), 'w').close())
def get_permissions(service, userid): return {}
";
    let stage = Stage::new(source, json!({}));
    stage.reply("billing");
    let Stage { plugin, folder } = stage;
    drop(plugin);
    assert!(folder.path().join("acme/in-order").exists());
}

#[test]
fn two_instances_may_have_different_modules_of_one_name() {
    let source = |team: &str| format!("def get_permissions(service, userid): return {{'team': {team:?}}}");
    let (red, blue) = (Stage::new(&source("red"), json!({})), Stage::new(&source("blue"), json!({})));
    for _ in 0..3 {
        assert_eq!(red.reply("billing"), json!({"team": "red"}));
        assert_eq!(blue.reply("billing"), json!({"team": "blue"}));
    }
}

#[test]
fn workers_know_of_the_environment_what_they_are_told() {
    let source = "import os
def get_permissions(service, userid): return dict(os.environ)
";
    let stage = Stage::new(source, json!({"env": {"DSN": "postgres://", "LANG": "tlh"}}));
    let mut seen = stage.reply("billing");
    let seen = seen.as_object_mut().unwrap();
    assert_eq!((seen.remove("DSN"), seen.remove("LANG")), (Some(json!("postgres://")), Some(json!("tlh"))));
    seen.retain(|name, _| {
        !["PATH", "HOME", "LC_ALL", "TZ", "TMPDIR", "PYTHONUNBUFFERED", "LC_CTYPE"].contains(&&**name)
    });
    assert!(seen.is_empty(), "{seen:?}");
}

/// Each kill and each start would leave something behind if it were done carelessly.
#[test]
fn two_hundred_kills_leave_neither_zombies_nor_open_files() {
    let source = "import os
def get_permissions(service, userid):
    if service == 'exit': os._exit(1)
    return {'pid': os.getpid()}
";
    let stage = Stage::new(source, json!({"workers": 2}));
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    let seen: Vec<Value> = thread::scope(|scope| {
        let stage = &stage;
        let kill_one = move || {
            let pid = stage.reply("pid")["pid"].clone();
            stage.fails_with("exit", "exit status: 1");
            pid
        };
        let many = move || (0..100).map(|_| kill_one()).collect::<Vec<_>>();
        let threads = [scope.spawn(many), scope.spawn(many)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let last = stage.reply("pid")["pid"].clone();
    let gone: BTreeSet<String> = seen.iter().map(Value::to_string).collect();
    assert!(gone.len() > 100, "{} different workers", gone.len());
    for process in seen.iter().filter(|process| **process != last) {
        eventually("its end", || !exists(process) || is_idle_worker(process));
    }
    // Other tests open files as well, but not hundreds.
    eventually("closed files", || open() < before + 100);
    let Stage { plugin, .. } = stage;
    drop(plugin);
    assert!(seen.iter().all(|process| !is_idle_worker(process)));
}

/// Whether it lives and is no zombie.
fn is_idle_worker(process: &Value) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_hundred_instances_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    write_module(folder.path(), PID);
    let mut pids = Vec::new();
    for _ in 0..100 {
        let plugin = Harness::<Python>::new(&config(folder.path(), json!({}))).unwrap();
        pids.push(
            patiently(|| plugin.get_permissions("billing", "u1").unwrap()).reply.unwrap()["pid"].clone(),
        );
    }
    assert!(pids.iter().all(|process| !exists(process)));
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let ours = threads.filter(|thread| {
        fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.starts_with("py-test"))
    });
    assert!(ours.count() < 100, "other tests have some, but not that many");
    assert!(Path::new("/proc/self").exists());
}
