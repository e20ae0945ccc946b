//! Plugins that end the process: the last line says which it was. The process is this program, started again.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::{Resource, Rlimit, setrlimit};
use vestibule_plugin_host::Isolation;

use crate::support::{Folder, ask, patient};

/// The folder of the plugin that the victim loads.
const FOLDER: &str = "VICTIM_FOLDER";
/// What else it does.
const DEED: &str = "VICTIM_DEED";

/// How a victim ended.
struct End {
    folder: Folder,
    status: ExitStatus,
    errors: String,
}

/// Lets a process load the plugin `fatal`, compiled like this, and ask it.
fn end(defines: &[&str], deed: &str) -> End {
    let folder = Folder::new();
    folder.compile("fatal.c", "fatal", defines);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["crash::victim", "--exact", "--nocapture"])
        .env(FOLDER, folder.file("fatal").parent().unwrap())
        .env(DEED, deed)
        .output()
        .unwrap();
    End { folder, status: output.status, errors: String::from_utf8_lossy(&output.stderr).into_owned() }
}

impl End {
    fn last_line(&self) -> &str {
        self.errors.lines().last().unwrap_or_default()
    }

    /// Asserts which signal it was, and the last line up to the file.
    #[track_caller]
    fn assert_killed(&self, signal: i32, words: &str) {
        assert_eq!(self.status.signal(), Some(signal), "{:?}: {}", self.status, self.errors);
        self.assert_last_line(words);
    }

    #[track_caller]
    fn assert_last_line(&self, words: &str) {
        let file = self.folder.file("fatal");
        let sha256 = hex::encode(digest(&SHA256, &fs::read(&file).unwrap()));
        let line = format!("vestibule: {words}, {}, sha256 {sha256})", file.display());
        assert_eq!(self.last_line(), line, "{}", self.errors);
    }
}

/// Not a test but what [`end`] runs in a process of its own; without its word it does nothing.
#[tokio::test]
async fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let deed = std::env::var_os(DEED).unwrap();
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let mut settings = patient();
    if deed == "inline" {
        settings.isolation = Isolation::Inline;
    }
    let host = Folder::serve_from(Path::new(&folder), "fatal", settings).unwrap();
    if deed == "abort" {
        std::process::abort();
    }
    let answer = ask(&host, "billing", "ada").await;
    host.close(Duration::from_secs(60));
    println!("answered: {}", answer.is_ok());
}

#[test]
fn e5_a_plugin_that_follows_a_bad_pointer_is_named_in_the_last_line() {
    for deed in ["", "inline"] {
        let words = "fatal signal SIGSEGV in plugin \"billing\" (get_permissions";
        end(&["IN_CALL", "HOW=null_pointer"], deed).assert_killed(libc::SIGSEGV, words);
    }
    let words = "fatal signal SIGSEGV in plugin \"billing\" (get_permissions";
    end(&["IN_CALL", "HOW=foreign_function"], "").assert_killed(libc::SIGSEGV, words);
}

#[test]
fn e5_a_plugin_that_aborts_or_gets_another_fatal_signal_is_named() {
    for (how, signal, name) in [
        ("abort", libc::SIGABRT, "SIGABRT"),
        ("illegal", libc::SIGILL, "SIGILL"),
        ("arithmetic", libc::SIGFPE, "SIGFPE"),
        ("bus", libc::SIGBUS, "SIGBUS"),
    ] {
        let end = end(&["IN_CALL", &format!("HOW={how}")], "");
        end.assert_killed(signal, &format!("fatal signal {name} in plugin \"billing\" (get_permissions"));
    }
}

#[test]
fn e5_a_plugin_that_overflows_its_stack_is_named_after_the_message_of_the_standard_library() {
    for deed in ["", "inline"] {
        let end = end(&["IN_CALL", "HOW=overflow"], deed);
        assert!(end.errors.contains("has overflowed its stack"), "{}", end.errors);
        end.assert_killed(libc::SIGABRT, "fatal signal SIGABRT in plugin \"billing\" (get_permissions");
    }
}

#[test]
fn e5_a_plugin_that_calls_exit_ends_the_process_as_a_failure_without_destructors() {
    for (place, operation) in [("IN_CALL", "get_permissions"), ("IN_CREATE", "create")] {
        let end = end(&[place, "HOW=good_bye"], "");
        assert_eq!(end.status.code(), Some(70), "{}", end.errors);
        end.assert_last_line(&format!("exit called in plugin \"billing\" ({operation}"));
        assert!(!end.errors.contains("a destructor has run"), "{}", end.errors);
    }
}

#[test]
fn e5_the_other_operations_are_named_too() {
    for (place, words) in [
        ("IN_CREATE", "fatal signal SIGSEGV in plugin \"billing\" (create"),
        ("IN_DESTROY", "fatal signal SIGSEGV in plugin \"billing\" (destroy"),
        ("IN_CONSTRUCTOR", "fatal signal SIGSEGV in plugin \"fatal\" (load"),
    ] {
        end(&[place, "HOW=null_pointer"], "").assert_killed(libc::SIGSEGV, words);
    }
}

#[test]
fn e5_a_thread_that_a_plugin_has_started_is_known_by_its_code() {
    let words = "fatal signal SIGSEGV in plugin \"fatal\" (on a thread of its own";
    end(&["IN_THREAD", "HOW=null_pointer"], "").assert_killed(libc::SIGSEGV, words);
    let words = "near plugin \"fatal\" (its code is on the stack of the thread";
    for (how, signal, name) in
        [("foreign_function", libc::SIGSEGV, "SIGSEGV"), ("abort", libc::SIGABRT, "SIGABRT")]
    {
        let end = end(&["IN_THREAD", &format!("HOW={how}")], "");
        end.assert_killed(signal, &format!("fatal signal {name} {words}"));
    }
}

#[test]
fn a_crash_of_our_own_is_not_blamed_on_a_plugin() {
    let end = end(&["HOW=abort"], "abort");
    assert_eq!(end.status.signal(), Some(libc::SIGABRT), "{}", end.errors);
    assert_eq!(end.last_line(), "vestibule: fatal signal SIGABRT outside of any plugin", "{}", end.errors);
}

#[test]
fn a_child_that_a_plugin_forks_off_may_exit() {
    let end = end(&["IN_CALL", "HOW=fork_and_exit"], "");
    assert!(end.status.success(), "{:?}: {}", end.status, end.errors);
    assert!(!end.errors.contains("vestibule: "), "{}", end.errors);
}
