//! Plugins in processes of their own. A program of its own, in which one test runs at a time: they look at all children.
#![cfg(test)]

#[path = "host/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use vestibule_plugin_host::{
    CallFailure, FailureKind, InstanceSettings, Isolation, Outcome, PluginHost, Unavailability,
};

use support::{Folder, Recorder, ask, config, parts, parts_with, patient, service, spec};

const LONG: Duration = Duration::from_secs(60);

fn in_process(settings: InstanceSettings) -> InstanceSettings {
    InstanceSettings { isolation: Isolation::Process, ..settings }
}

fn unavailable(cause: Unavailability) -> CallFailure {
    CallFailure::Unavailable { alias: "billing".to_owned(), cause }
}

/// Held by the test that runs.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Waits until no other test runs, and none has left anything behind.
async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    let turn = TURN.lock().await;
    until("the children of the test before are gone", || children().is_empty()).await;
    turn
}

/// The living processes that this one has started for plugins, by their numbers.
fn children() -> BTreeSet<u32> {
    let own = std::process::id();
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|process| parent_of(*process) == Some(own)).collect()
}

/// Unless it has ended.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    after_name.next()?.parse().ok().filter(|_| state != "Z")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LONG, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks until there is an answer: after an end, the next process needs a moment.
async fn until_answered(host: &PluginHost, name: &str) {
    let started = Instant::now();
    while ask(host, name, "ada").await.is_err() {
        assert!(started.elapsed() < LONG, "{name} never answers again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_plugin_in_a_process_of_its_own_answers_like_any_other() {
    let _turn = turn().await;
    let folder = Folder::with_built(&["sample-permissions"]);
    let settings = in_process(config(&json!({"permission": "admin", "granted": true})));
    let host = folder.serve("sample-permissions", settings).unwrap();
    let answer = ask(&host, "billing", "ada").await.unwrap();
    assert_eq!(json!(answer), json!({"provider-token": "billing-ada", "admin": true}));
    assert_eq!(host.list()[0].isolation, Isolation::Process);
    assert_eq!(children().len(), 1);
}

#[tokio::test]
async fn the_service_never_maps_the_library() {
    let _turn = turn().await;
    let folder = Folder::new();
    folder.compile("variant.c", "elsewhere", &[]);
    let host = folder.serve("elsewhere", in_process(patient())).unwrap();
    assert!(ask(&host, "billing", "ada").await.is_ok());
    let maps = |process: u32| fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    assert!(!maps(std::process::id()).contains("libelsewhere.so"));
    let child = children().pop_first().unwrap();
    assert!(maps(child).contains("libelsewhere.so"));
}

#[tokio::test]
async fn the_process_has_no_setting_of_the_service_and_cannot_gain_privileges() {
    let _turn = turn().await;
    let folder = Folder::with_variant(&[]);
    let host = folder.serve("variant", in_process(patient())).unwrap();
    assert!(ask(&host, "billing", "ada").await.is_ok());
    let child = children().pop_first().unwrap();
    let environment = fs::read_to_string(format!("/proc/{child}/environ")).unwrap();
    let kept = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
    for variable in environment.split('\0').filter(|text| !text.is_empty()) {
        let name = variable.split('=').next().unwrap();
        assert!(kept.contains(&name), "{name}");
    }
    // An attribute of threads, which those that a thread starts inherit.
    let privileges = threads_of(child).map(|status| status.contains("NoNewPrivs:\t1"));
    assert!(privileges.collect::<Vec<_>>().iter().all(|given_up| *given_up));
    let limits = fs::read_to_string(format!("/proc/{child}/limits")).unwrap();
    let limited =
        |name: &str| limits.lines().any(|line| line.starts_with(name) && !line.contains("unlimited"));
    assert!(
        limited("Max data size") && limited("Max open files") && limited("Max core file size"),
        "{limits}"
    );
    assert_eq!(open_files(child), ["/dev/null", "memfd", "socket"].map(str::to_owned).into());
}

/// What the kernel says of the threads that run calls.
fn threads_of(process: u32) -> impl Iterator<Item = String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let status = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap());
    let mut calls = status.filter(|status| status.starts_with("Name:\tplug-")).peekable();
    assert!(calls.peek().is_some());
    calls
}

/// What the process has open beside its output, as kinds.
fn open_files(process: u32) -> BTreeSet<String> {
    let folder = PathBuf::from(format!("/proc/{process}/fd"));
    let kind = |path: &Path| {
        let target = fs::read_link(path).ok()?.display().to_string();
        let kinds = ["socket", "memfd"];
        Some(kinds.into_iter().find(|kind| target.contains(kind)).map_or(target.clone(), str::to_owned))
    };
    let files = fs::read_dir(&folder).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let others =
        files.filter(|path| !matches!(path.file_name().and_then(|name| name.to_str()), Some("1" | "2")));
    others.filter_map(|path| kind(&path)).collect()
}

#[tokio::test]
async fn e4_a_call_that_hangs_costs_its_process_and_no_other_call() {
    let _turn = turn().await;
    let folder = Folder::with_built(&["faulty-plugin"]);
    folder.compile("turns.c", "turns", &[]);
    let settings =
        InstanceSettings { timeout: Duration::from_secs(2), concurrency: 2, ..InstanceSettings::default() };
    let host = Arc::new(folder.serve("turns", in_process(settings)).unwrap());
    let first = children();
    let hanging = {
        let host = Arc::clone(&host);
        tokio::spawn(async move { ask(&host, "billing", "hang").await })
    };
    for _ in 0..50 {
        assert!(ask(&host, "billing", "ada").await.is_ok());
    }
    assert_eq!(hanging.await.unwrap(), Err(unavailable(Unavailability::Timeout)));
    until("the process is replaced", || !children().is_empty() && children().is_disjoint(&first)).await;
    assert!(ask(&host, "billing", "ada").await.is_ok());
    assert_eq!(host.health(), Ok(()));
}

#[tokio::test]
async fn e5_a_plugin_that_ends_its_process_costs_the_calls_under_way_and_no_more() {
    let _turn = turn().await;
    for fault in ["SEGFAULT", "ABORT", "EXIT", "OVERFLOW"] {
        let folder = Folder::new();
        folder.compile("turns.c", "turns", &[fault]);
        let observer = Arc::new(Recorder::default());
        let services = vec![(service("billing"), spec("billing", "turns", in_process(patient())))];
        let host =
            PluginHost::load(&folder.plan(services, Vec::new()), parts_with(observer.clone())).unwrap();
        assert!(ask(&host, "billing", "ada").await.is_ok());
        assert_eq!(ask(&host, "billing", "fail").await, Err(unavailable(Unavailability::Crashed)), "{fault}");
        assert!(ask(&host, "billing", "ada").await.is_ok(), "{fault}");
        assert_eq!(observer.seen().iter().filter(|(.., outcome)| *outcome == Outcome::Crashed).count(), 1);
    }
}

#[tokio::test]
async fn e5_calls_that_wait_go_to_the_next_process() {
    let _turn = turn().await;
    let folder = Folder::new();
    folder.compile("turns.c", "turns", &["SEGFAULT"]);
    let settings = InstanceSettings { concurrency: 1, ..patient() };
    let host = Arc::new(folder.serve("turns", in_process(settings)).unwrap());
    let calls = ["fail", "ada", "bob", "eve"].map(|user| {
        let host = Arc::clone(&host);
        async move { ask(&host, "billing", user).await }
    });
    let [failed, rest @ ..] = calls;
    let (failed, others) = tokio::join!(failed, async {
        let mut answers = Vec::new();
        for call in rest.map(tokio::spawn) {
            answers.push(call.await.unwrap());
        }
        answers
    });
    assert_eq!(failed, Err(unavailable(Unavailability::Crashed)));
    assert!(others.iter().all(Result::is_ok), "{others:?}");
}

#[tokio::test]
async fn e5_a_process_that_ends_at_every_call_is_given_pauses_and_calls_fail_at_once() {
    let _turn = turn().await;
    let folder = Folder::new();
    folder.compile("turns.c", "turns", &["SEGFAULT"]);
    let host = folder.serve("turns", in_process(patient())).unwrap();
    let mut seen = BTreeSet::new();
    let started = Instant::now();
    while !seen.contains("restarting") {
        assert!(started.elapsed() < LONG, "{seen:?}");
        match ask(&host, "billing", "fail").await.unwrap_err() {
            CallFailure::Unavailable { cause: Unavailability::Restarting, .. } => seen.insert("restarting"),
            CallFailure::Unavailable { cause: Unavailability::Crashed, .. } => seen.insert("crashed"),
            other => panic!("{other}"),
        };
    }
    assert!(host.health().unwrap_err().ends_with("its process ends again and again"));
    until_answered(&host, "billing").await;
    assert_eq!(host.health(), Ok(()));
}

#[tokio::test]
async fn e4_memory_and_threads_are_bounded() {
    let _turn = turn().await;
    for fault in ["MEMORY", "THREADS"] {
        let folder = Folder::new();
        folder.compile("turns.c", "turns", &[fault]);
        let host = folder.serve("turns", in_process(patient())).unwrap();
        // The plugin reports that it got no more, and lives; or what it has left is too little even for that.
        let failed = CallFailure::Failed { alias: "billing".to_owned(), kind: FailureKind::Fatal };
        let outcome = ask(&host, "billing", "fail").await.expect_err(fault);
        assert!([failed, unavailable(Unavailability::Crashed)].contains(&outcome), "{fault}: {outcome}");
        until_answered(&host, "billing").await;
    }
}

#[tokio::test]
async fn e4_a_stopped_process_is_replaced() {
    let _turn = turn().await;
    let folder = Folder::with_variant(&[]);
    let host = folder.serve("variant", in_process(InstanceSettings::default())).unwrap();
    assert!(ask(&host, "billing", "ada").await.is_ok());
    let first = children();
    let child = *first.first().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    until("every thread stands still", || threads_of(child).all(|status| status.contains("State:\tT"))).await;
    assert_eq!(ask(&host, "billing", "ada").await, Err(unavailable(Unavailability::Timeout)));
    until_answered(&host, "billing").await;
    until("the stopped process is gone", || children().is_disjoint(&first)).await;
}

#[tokio::test]
async fn references_reach_the_plugin_and_errors_of_create_the_operator() {
    let _turn = turn().await;
    let folder = Folder::with_built(&["sample-permissions", "faulty-plugin"]);
    let good = config(&json!({"permission": {"$env": "TEST_SECRET"}, "granted": true}));
    for isolation in [Isolation::Thread, Isolation::Process] {
        let settings = InstanceSettings { isolation, ..good.clone() };
        let host = folder.serve("sample-permissions", settings).unwrap();
        let answer = ask(&host, "billing", "ada").await.unwrap();
        assert_eq!(answer["from the environment"], true);
        let bad = InstanceSettings { isolation, ..config(&json!({"fault": "refuse"})) };
        let error = folder.serve("faulty-plugin", bad).unwrap_err().to_string();
        assert!(error.ends_with("cannot start: the configured refusal"), "{error}");
        let absent = InstanceSettings { isolation, ..config(&json!({"permission": {"$env": "ABSENT"}})) };
        let error = folder.serve("sample-permissions", absent).unwrap_err().to_string();
        assert!(error.ends_with("config/permission: the environment has no variable ABSENT"), "{error}");
    }
}

#[tokio::test]
async fn a_library_that_crashes_or_hangs_while_it_is_tried_stops_the_start_with_its_name() {
    let _turn = turn().await;
    for (define, reason) in [
        ("CRASH_IN_CONSTRUCTOR", "ended its process while the library was loaded: signal SIGSEGV"),
        ("CRASH_IN_CREATE", "ended its process while it made an instance: signal SIGSEGV"),
        ("CRASH_IN_DESTROY", "ended its process while it ended the instance: signal SIGSEGV"),
        ("EXIT_IN_CREATE", "ended its process while it made an instance: exit status 70"),
    ] {
        let folder = Folder::new();
        folder.compile("turns.c", "turns", &[define]);
        let error = folder.serve("turns", InstanceSettings::default()).unwrap_err().to_string();
        assert!(error.contains("libturns.so") && error.ends_with(reason), "{error}");
    }
}

/// Code of the plugin runs in its process, so it can say whatever the host's own code there could.
#[tokio::test]
async fn n4_what_a_plugin_s_process_reports_cannot_forge_a_line_of_the_log() {
    let folder = Folder::new();
    folder.compile("turns.c", "turns", &[r#"FORGE="R{\"Failed\":\"no\\nINFO all is well\"}""#]);
    let error = folder.serve("turns", in_process(patient())).unwrap_err().to_string();
    assert!(error.ends_with(r"no\nINFO all is well"), "{error}");
    folder.compile("turns.c", "turns", &[r#"FORGE="Rubbish""#]);
    assert!(folder.serve("turns", in_process(patient())).is_err());
}

#[tokio::test]
async fn a_configuration_of_any_length_arrives() {
    let _turn = turn().await;
    let folder = Folder::with_built(&["sample-permissions"]);
    let long = "x".repeat(300_000);
    let settings = in_process(config(&json!({"permission": long, "granted": true})));
    let host = folder.serve("sample-permissions", settings).unwrap();
    // The answer is too long, which shows that the configuration was not.
    let failure = ask(&host, "billing", "ada").await.unwrap_err();
    assert!(failure.to_string().ends_with("it reports a failure"), "{failure}");
}

#[tokio::test]
async fn closing_destroys_the_instance_and_ends_the_process() {
    let _turn = turn().await;
    let folder = Folder::new();
    folder.compile("turns.c", "turns", &[]);
    let host = folder.serve("turns", in_process(patient())).unwrap();
    assert!(ask(&host, "billing", "ada").await.is_ok());
    assert_eq!(host.close(LONG), Vec::<String>::new());
    assert_eq!(ask(&host, "billing", "ada").await, Err(unavailable(Unavailability::Closed)));
    assert_eq!(children(), BTreeSet::new());
}

#[tokio::test]
async fn a_reload_takes_new_code_and_new_settings_and_loses_no_call() {
    let _turn = turn().await;
    for isolation in [Isolation::Thread, Isolation::Process] {
        let folder = Folder::with_variant(&["REPLY=\"{\\\"v\\\":1}\""]);
        let settings = InstanceSettings { isolation, ..patient() };
        let plan = || {
            folder.plan(vec![(service("billing"), spec("billing", "variant", settings.clone()))], Vec::new())
        };
        let host = Arc::new(PluginHost::load(&plan(), parts()).unwrap());
        let asking = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let calls = (0..4).map(|_| {
            let (host, asking) = (Arc::clone(&host), Arc::clone(&asking));
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                while asking.load(std::sync::atomic::Ordering::Relaxed) {
                    seen.insert(ask(&host, "billing", "ada").await.unwrap()["v"].as_i64().unwrap());
                    tokio::task::yield_now().await;
                }
                seen
            })
        });
        let calls: Vec<_> = calls.collect();
        until_answered(&host, "billing").await;
        folder.compile("variant.c", "next", &["REPLY=\"{\\\"v\\\":2}\""]);
        fs::rename(folder.file("next"), folder.file("variant")).unwrap();
        let reloaded = {
            let (host, plan) = (Arc::clone(&host), plan());
            tokio::task::spawn_blocking(move || host.reload(&plan))
        };
        reloaded.await.unwrap().unwrap();
        assert_eq!(ask(&host, "billing", "ada").await.unwrap()["v"], 2);
        asking.store(false, std::sync::atomic::Ordering::Relaxed);
        for call in calls {
            assert!(call.await.unwrap().is_subset(&[1, 2].into()));
        }
        let children_wanted = usize::from(isolation == Isolation::Process);
        until("the earlier process has ended", || children().len() == children_wanted).await;
    }
}

#[tokio::test]
async fn a_reload_that_fails_changes_nothing() {
    let _turn = turn().await;
    let folder = Folder::with_variant(&[]);
    let services = vec![(service("billing"), spec("billing", "variant", patient()))];
    let plan = folder.plan(services, Vec::new());
    let host = PluginHost::load(&plan, parts()).unwrap();
    fs::write(folder.file("variant"), "rubbish").unwrap();
    let error = host.reload(&plan).unwrap_err().to_string();
    assert!(error.contains("not an ELF file"), "{error}");
    assert!(ask(&host, "billing", "ada").await.is_ok());
}
