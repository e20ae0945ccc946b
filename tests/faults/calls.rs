//! Calls that fail: each costs its own answer and nothing else.

use super::stage::{Stage, faults};
use super::table::{Isolation, Outcome};
use super::traffic::Traffic;
use crate::authorize::{assert_unavailable, granted};

#[tokio::test(flavor = "multi_thread")]
async fn e3_e4_e7_on_threads_a_fault_costs_the_call_and_nobody_else() {
    every_call_that_fails(Isolation::Thread).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_e4_e5_e7_in_a_process_a_fault_costs_the_call_and_nobody_else() {
    every_call_that_fails(Isolation::Process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_e7_inline_a_fault_costs_the_call_and_nobody_else() {
    every_call_that_fails(Isolation::Inline).await;
}

fn is_survived(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fails(..) | Outcome::Harmless)
}

async fn every_call_that_fails(isolation: Isolation) {
    let mut stage = Stage::with(isolation, is_survived).await;
    let traffic = Traffic::start(&stage.world, &stage.ada, &["storage"]);
    for fault in faults(isolation, is_survived) {
        let answer = stage.try_ask(fault.name).await.expect("the service lives");
        match fault.outcome(isolation) {
            Outcome::Fails(retry_after, _) => assert_unavailable(&answer, retry_after, fault.name),
            _ => assert_eq!(answer.status, 200, "{}: {}", fault.name, answer.body),
        }
        granted(&stage.world, &stage.ada, fault.name).await;
    }
    traffic.finish_well().await;
    assert_counted(&stage, isolation).await;
    let ready = stage.world.browser().get("/readyz").await;
    assert_eq!(ready.status, 200, "{}", ready.body);
    let status = stage.world.program.stop().await;
    assert!(status.success(), "{status}: {}", stage.world.program.logs());
}

/// Each failure once, under its word.
async fn assert_counted(stage: &Stage, isolation: Isolation) {
    let metrics = stage.world.admin().get("/metrics").await.body;
    let has = |line: &str| metrics.lines().any(|written| written == line);
    for fault in faults(isolation, is_survived) {
        let (name, outcome) = (fault.name, fault.outcome(isolation));
        let Outcome::Fails(_, word) = outcome else { continue };
        let calls = format!(
            "vestibule_plugin_calls_total{{alias=\"{name}\",operation=\"get_permissions\",outcome=\"{word}\"}} 1"
        );
        assert!(has(&calls), "{calls} in {metrics}");
        if isolation == Isolation::Process && matches!(word, "timeout" | "crashed") {
            let restarts = format!("vestibule_plugin_restarts_total{{alias=\"{name}\"}} 1");
            assert!(has(&restarts), "{restarts} in {metrics}");
        }
    }
}
