//! Plugins that end the service: it says who it was, and can be started again.

use std::path::Path;

use vestibule_test_support::Program;

use super::stage::{Stage, faults};
use super::table::{Isolation, Outcome};
use crate::authorize::granted;

#[tokio::test(flavor = "multi_thread")]
async fn e5_on_threads_the_last_line_names_the_plugin_that_ended_the_service() {
    every_end(Isolation::Thread).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_inline_the_last_line_names_the_plugin_that_ended_the_service() {
    every_end(Isolation::Inline).await;
}

fn ends(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ends(_))
}

async fn every_end(isolation: Isolation) {
    let mut stage = Stage::with(isolation, ends).await;
    stage.world.post_as(&stage.ada, "/auth/update", &[("username", "ada")]).await;
    let before = stage.world.profile(&stage.ada).await;
    let mut seen = 0;
    for fault in faults(isolation, ends) {
        let Outcome::Ends(words) = fault.outcome(isolation) else { continue };
        assert!(stage.try_ask(fault.name).await.is_none(), "{}: nobody is left to answer", fault.name);
        assert!(!stage.world.program.ended().await.success(), "{}", fault.name);
        assert_last_line(&stage.world.program, words, fault.name);
        stage.world.program.start_again().await;
        assert_eq!(stage.world.profile(&stage.ada).await, before, "{}", fault.name);
        for service in ["storage", fault.name] {
            granted(&stage.world, &stage.ada, service).await;
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

/// `vestibule: WORDS in plugin "ALIAS" (get_permissions, FILE, sha256 DIGEST)`
fn assert_last_line(program: &Program, words: &str, alias: &str) {
    let logs = program.logs();
    let last = logs.lines().last().unwrap_or_default();
    let start = format!("vestibule: {words} in plugin \"{alias}\" (get_permissions, ");
    let rest = last.strip_prefix(&start).unwrap_or_else(|| panic!("{start} in {logs}"));
    let (file, digest) = rest.split_once(", sha256 ").unwrap_or_else(|| panic!("{last}"));
    assert!(Path::new(file).is_file(), "{last}");
    let digest = digest.strip_suffix(')').unwrap_or_default();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{last}");
}
