//! Plugins that the service does not start with.

use vestibule_test_support::Program;

use super::stage::{add, faults, table};
use super::table::{Fault, Isolation, Made, Outcome};
use crate::authorize::plugins::PluginFolder;
use crate::world::pem_in;

#[tokio::test(flavor = "multi_thread")]
async fn e3_e6_what_is_refused_for_threads_is_named_with_file_and_reason() {
    every_refusal(Isolation::Thread).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_e6_what_is_refused_for_processes_is_named_with_file_and_reason() {
    every_refusal(Isolation::Process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_e6_what_is_refused_inline_is_named_with_file_and_reason() {
    every_refusal(Isolation::Inline).await;
}

fn is_refused(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Refused(_))
}

async fn every_refusal(isolation: Isolation) {
    let key = key().await;
    for fault in faults(isolation, is_refused) {
        let Outcome::Refused(reason) = fault.outcome(isolation) else { continue };
        assert_refused(fault, isolation, reason, &key).await;
    }
}

async fn assert_refused(fault: &Fault, isolation: Isolation, reason: &str, key: &str) {
    let folder = PluginFolder::new();
    let service = add(&folder, fault);
    if let Made::Spoilt(spoil) = fault.made
        && !spoil(&folder, fault.name)
    {
        return;
    }
    let program = Program::builder()
        .setting("GITHUB_KEY", "id")
        .setting("GITHUB_SECRET", "secret")
        .setting("PRIVATE_KEY", key)
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", &service)
        .config(&table(fault, isolation));
    let ended = program.try_start().await.expect_err(fault.name);
    assert_eq!(ended.status.code(), Some(1), "{}: {}", fault.name, ended.logs);
    let file = match fault.made {
        Made::Rust(_) => "libfaulty_plugin.so".to_owned(),
        Made::Turns(_) | Made::Variant(_) | Made::Spoilt(_) => folder.file(fault.name).display().to_string(),
    };
    let complaint = ended.logs.lines().last().unwrap_or_default();
    for part in [reason, &file, fault.name] {
        assert!(complaint.contains(part), "{}: {part:?} in {}", fault.name, ended.logs);
    }
}

/// A key for all of them: making one takes its time.
async fn key() -> String {
    let program = Program::builder();
    assert!(program.run(&["keys", "generate"]).await.status.success());
    pem_in(&program.keys_dir())
}
