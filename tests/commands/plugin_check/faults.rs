//! One plugin with many faults: each is found by the check that is there for it, and by no other.

use serde_json::json;
use vestibule_test_support::Program;

use super::{Outcome, check_with, failed, lines};
use crate::authorize::plugins::built_plugins;

async fn check_fault(fault: &str) -> Outcome {
    let file = built_plugins().join("libfaulty_plugin.so");
    check_with(&Program::builder(), &file, &json!({ "fault": fault })).await
}

/// The fault fails one check and no other, with these words.
async fn assert_found(fault: &str, check: &str, parts: &[&str]) {
    let outcome = check_fault(fault).await;
    assert_eq!(outcome.status, Some(1), "{fault}: {}", outcome.out);
    assert!(outcome.error.contains("libfaulty_plugin.so has not passed"), "{fault}: {}", outcome.error);
    assert_eq!(failed(&outcome.out), [check], "{fault}: {}", outcome.out);
    let lines = lines(&outcome.out, check);
    for part in parts {
        assert!(lines.contains(part), "{fault}: {part:?} in {lines}");
    }
}

/// The fault is told under this check, and fails none.
async fn assert_remarked(fault: &str, check: &str, part: &str) {
    let outcome = check_fault(fault).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{fault}: {}", outcome.out);
    let lines = lines(&outcome.out, check);
    assert!(lines.contains("remark: ") && lines.contains(part), "{fault}: {part:?} in {lines}");
}

#[tokio::test]
async fn e5_a_crash_is_put_down_to_the_string_that_caused_it() {
    let crash = "FAILED: the plugin ended the process with SIGSEGV while it answered get_permissions with a user id of 1 MiB";
    assert_found("long-strings", "odd strings", &[crash, "bad pointer"]).await;
}

#[tokio::test]
async fn e5_whatever_ends_the_process_is_put_down_to_the_operation() {
    let abort = "the plugin ended the process with SIGABRT while it answered get_permissions";
    assert_found("abort", "answers", &[abort]).await;
    let exit = "the plugin ended the process by calling exit while it answered get_permissions";
    assert_found("exit", "answers", &[exit, "only the service may end the process"]).await;
}

#[tokio::test]
async fn e5_a_crash_in_create_is_put_down_to_the_configuration_and_quotes_the_last_words() {
    let crash = "SIGABRT while it was created with an unknown member and wrote";
    assert_found("brittle", "broken configurations", &[crash, "assertion failed: no other member"]).await;
}

#[tokio::test]
async fn e4_a_hang_is_put_down_to_the_operation_and_what_follows_is_not_run() {
    let file = built_plugins().join("libfaulty_plugin.so");
    let config = json!({"fault": "sleep", "seconds": 3600});
    let outcome = check_with(&Program::builder(), &file, &config).await;
    assert_eq!((outcome.status, failed(&outcome.out)), (Some(1), vec!["answers"]), "{}", outcome.out);
    let hang = "did not come back within 10 s while it answered get_permissions";
    assert!(lines(&outcome.out, "answers").contains(hang), "{}", outcome.out);
    for check in ["odd strings", "threads", "deadlines", "leaks", "speed"] {
        let lines = lines(&outcome.out, check);
        assert!(lines.contains("not run: it needs the check \"answers\" to pass"), "{lines}");
    }
}

#[tokio::test]
async fn e7_an_answer_that_breaks_a_rule_is_called_what_the_host_calls_it() {
    for (fault, part) in [
        ("not-json", "it is not JSON"),
        ("not-utf8", "it is not UTF-8"),
        ("not-an-object", "it is not a JSON object"),
        ("too-big", "it is larger than 64 KiB"),
        ("too-deep", "it is nested deeper than 32 levels"),
        ("two-replies", "it was given twice"),
        ("no-reply", "get_permissions: it gave no answer"),
        ("unknown-code", "it returned the unknown code 99"),
        ("panic-in-call", "it panicked (it says: panic: the configured panic in a call)"),
    ] {
        assert_found(fault, "answers", &[part]).await;
    }
}

#[tokio::test]
async fn e7_an_answer_that_is_bad_for_some_strings_alone_is_found() {
    let part = "get_permissions with a user id of emoji: its answer is not valid: it is not UTF-8";
    assert_found("odd-strings", "odd strings", &[part]).await;
}

#[tokio::test]
async fn e3_a_panic_in_create_is_found_and_nothing_else_is_run() {
    let outcome = check_fault("panic-in-create").await;
    assert_eq!((outcome.status, failed(&outcome.out)), (Some(1), vec!["create"]), "{}", outcome.out);
    assert!(lines(&outcome.out, "create").contains("the plugin panicked while starting"), "{}", outcome.out);
    assert!(lines(&outcome.out, "answers").contains("not run"), "{}", outcome.out);
}

#[tokio::test]
async fn calls_that_share_what_they_should_not_are_found() {
    assert_found("race", "threads", &["answers otherwise when 8 threads ask at once", "lock"]).await;
}

#[tokio::test]
async fn e4_a_deadline_that_is_not_kept_is_found() {
    let parts = ["with 200 ms left get_permissions took", "with no time left get_permissions took"];
    assert_found("late", "deadlines", &parts).await;
}

#[tokio::test]
async fn e4_what_instances_leave_behind_is_found() {
    for (fault, part) in [
        ("leak-memory", "100 instances that have ended leave "),
        ("leak-descriptor", "100 instances that have ended leave 100 descriptors"),
        ("leak-thread", "100 instances that have ended leave 100 threads"),
    ] {
        assert_found(fault, "leaks", &[part, "`destroy`"]).await;
    }
}

#[tokio::test]
async fn e4_what_calls_leave_behind_is_found() {
    assert_found("leak-in-calls", "leaks", &["rounds of calls leave ", "KiB of memory"]).await;
}

#[tokio::test]
async fn what_is_odd_and_allowed_is_a_remark() {
    for (fault, check, part) in [
        ("fatal", "answers", "get_permissions answers \"fatal\" (it says: the configured failure)"),
        ("no-opinion", "answers", "get_permissions answers \"no opinion\""),
        ("deny", "answers", "get_permissions answers \"deny\""),
        ("unhealthy", "answers", "health answers \"retry\""),
        ("greedy-patch", "answers", "a part of the patch of on_user_login is refused"),
        ("panic-in-destroy", "create", "it logs an error while it is destroyed"),
    ] {
        assert_remarked(fault, check, part).await;
    }
}
