//! What a plugin, a worker of one, and any other process of the service's user can find out about the service by looking, and do to it.

use std::fs;

use serde_json::{Value, json};
use vestibule_test_support::{Program, TestDatabase};

use super::stage::with_folder;
use crate::authorize::granted;
use crate::authorize::plugins::PluginFolder;
use crate::world::{World, WorldBuilder};

/// What a process can do to another to look into it, as `spy.c` calls it.
const LOOKS: [&str; 6] = ["environ", "memory", "files", "trace", "read", "descriptor"];

/// What it can do to it otherwise.
const ACTS: [&str; 3] = ["limit", "signal", "owner"];
/// When, and to whom.
const MOMENTS: [&str; 4] = ["constructor", "create", "call", "neighbour"];

/// Two spies, each in a process of its own, with this more in their tables.
fn two_spies(folder: &PluginFolder, more: &str) -> WorldBuilder {
    folder.add_spy("spy", &[]);
    let table = |alias: &str| format!("[plugin.{alias}]\nisolation = \"process\"\ntimeout = \"60s\"\n{more}");
    with_folder(folder, "spy;other:spy", &[table("spy"), table("other")].concat())
}

async fn seen_by_the_spy(world: &World) -> Value {
    let token = world.sign_in("google", "ada").await;
    granted(world, &token, "other").await;
    granted(world, &token, "spy").await["permissions"].clone()
}

/// That each of these failed, whenever it was tried.
fn assert_refused(seen: &Value, attempts: &[&str]) {
    for moment in MOMENTS {
        for attempt in attempts {
            let outcome = seen[moment][attempt].as_i64().unwrap_or_else(|| panic!("{moment}: {seen}"));
            assert_ne!(outcome, 0, "{moment}: {attempt}: {seen}");
        }
    }
}

/// As an ordinary user, and as whoever runs the tests, who may be root.
#[tokio::test(flavor = "multi_thread")]
async fn n5_e4_e5_a_plugin_in_a_process_looks_into_no_other_acts_on_none_and_starts_none() {
    for ordinary in [true, false] {
        let folder = PluginFolder::new();
        let world = two_spies(&folder, "");
        let world = if ordinary { world.without_root() } else { world }.start().await;
        let seen = seen_by_the_spy(&world).await;
        assert_refused(&seen, &LOOKS);
        assert_refused(&seen, &ACTS);
        for attempt in ["daemon", "namespace", "outlive"] {
            assert_eq!(seen[attempt], rustix::io::Errno::PERM.raw_os_error(), "{attempt}: {seen}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_plugin_that_may_start_processes_looks_into_none_of_the_service_s() {
    let folder = PluginFolder::new();
    let world = two_spies(&folder, "may_spawn = true\n").without_root().start().await;
    let seen = seen_by_the_spy(&world).await;
    assert_refused(&seen, &LOOKS);
    assert_refused(&seen, &["limit"]);
    assert_eq!(seen["daemon"], 0, "{seen}");
}

/// The library is looked at by people before they trust it.
#[tokio::test(flavor = "multi_thread")]
async fn n5_a_plugin_that_is_inspected_or_checked_looks_into_no_command() {
    let folder = PluginFolder::new();
    let program = Program::builder().without_root().setting("PRIVATE_KEY", "a secret of the operator");
    let report = program.directory().join("report");
    folder.add_spy("spy", &[&format!("REPORT=\"{}\"", report.display())]);
    for command in ["inspect", "check"] {
        let file = folder.file("spy");
        let output = program.run(&["plugin", command, file.to_str().unwrap()]).await;
        assert!(output.stdout.starts_with(if command == "inspect" {
            b"name      spy"
        } else {
            b"spy 1: get_p"
        }));
        let lines = fs::read_to_string(&report).unwrap();
        assert!(!lines.is_empty(), "{command}");
        for line in lines.lines() {
            let seen: Value = line.parse().unwrap();
            assert_eq!(seen["secret"], false, "{command}: {seen}");
            for look in LOOKS {
                assert_ne!(seen["constructor"][look], 0, "{command}: {look}: {seen}");
            }
        }
        fs::remove_file(&report).unwrap();
    }
}

/// The service is asked from a worker of Python, whose parents it is among.
const MODULE: &str = "import os

def parent(process):
    with open('/proc/%d/stat' % process) as file: return int(file.read().rsplit(')', 1)[1].split()[1])

def outcome(process, name, mode):
    try:
        with open('/proc/%d/%s' % (process, name), mode, buffering=0) as file:
            return 0 if 'b+' in mode else -len(file.read())
    except OSError as error: return error.errno

def look():
    process, found = os.getppid(), []
    while process > 1 and b'vestibule' in open('/proc/%d/cmdline' % process, 'rb').read():
        found.append([outcome(process, 'environ', 'rb'), outcome(process, 'mem', 'rb+')])
        process = parent(process)
    return found

def look_at_neighbours():
    found = []
    for process in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % process, 'rb') as file: arguments = file.read()
        except OSError: continue
        if b'vestibule plugin neighbour: ' in arguments:
            found.append([outcome(int(process), 'environ', 'rb'), outcome(int(process), 'mem', 'rb+')])
    return found

AT_IMPORT = look()

def get_permissions(service, userid):
    return {'import': AT_IMPORT, 'call': look(), 'neighbours': look_at_neighbours()}
";

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_worker_of_python_never_looks_into_the_service_under_each_isolation() {
    for (isolation, above) in [("thread", 1), ("inline", 1), ("process", 2)] {
        let folder = PluginFolder::new();
        fs::write(folder.directory().join("spying.py"), MODULE).unwrap();
        let spawning = if isolation == "process" { "may_spawn = true\n" } else { "" };
        let table = |alias: &str| {
            format!(
                "[plugin.{alias}]\nisolation = \"{isolation}\"\n{spawning}timeout = \"60s\"\nconfig = {{ module = \"spying\", path = [\"{}\"], python = \"/usr/bin/python3\" }}\n",
                folder.directory().display()
            )
        };
        let tables = [table("spy"), table("neighbour")].concat();
        let world = with_folder(&folder, "spy:python;neighbour:python", &tables).without_root().start().await;
        let token = world.sign_in("google", "ada").await;
        let seen = granted(&world, &token, "spy").await["permissions"].clone();
        for (moment, count) in [("import", above), ("call", above), ("neighbours", 1)] {
            let processes = seen[moment].as_array().unwrap();
            assert_eq!(processes.len(), count, "{isolation}, {moment}: {seen}");
            for process in processes {
                assert_eq!(process, &json!([13, 13]), "{isolation}, {moment}: EACCES, EACCES: {seen}");
            }
        }
    }
}

/// What the kernel shows of the environment to those who may look, such as root.
#[tokio::test(flavor = "multi_thread")]
async fn n5_the_environment_that_the_kernel_shows_has_no_setting_and_no_secret() {
    let world = World::builder(TestDatabase::sqlite())
        .with_key_in_environment()
        .setting("STRAY", "a-variable-that-is-no-setting")
        .start()
        .await;
    let Ok(environment) = fs::read(format!("/proc/{}/environ", world.program.pid())) else {
        assert!(!rustix::process::geteuid().is_root(), "root may look");
        return;
    };
    let shown = String::from_utf8_lossy(&environment);
    let variables: Vec<_> = shown.split('\0').filter(|text| !text.is_empty()).collect();
    assert!(matches!(variables[..], [path] if path.starts_with("PATH=")), "{variables:?}");
    // What was taken is still known: a plugin's configuration is looked up again at a reload.
    let reloaded = world.program.run(&["plugin", "reload"]).await;
    assert!(reloaded.status.success(), "{}", String::from_utf8_lossy(&reloaded.stderr));
}
