//! What each answer comes to. Nothing but a proper object becomes permissions.

use std::sync::Arc;

use serde_json::json;
use vestibule_plugin_host::{
    BadReply, CallFailure, FailureKind, InstanceSettings, Isolation, Operation, Outcome, PluginHost,
    Unavailability,
};

use crate::support::{Folder, Recorder, ask, config, parts_with, service, spec};

async fn failure_of(defines: &[&str]) -> CallFailure {
    let folder = Folder::with_variant(defines);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    ask(&host, "billing", "ada").await.expect_err("the answer is refused")
}

fn failed(kind: FailureKind) -> CallFailure {
    CallFailure::Failed { alias: "billing".to_owned(), kind }
}

#[tokio::test]
async fn e7_an_answer_that_breaks_a_rule_is_refused() {
    let deep = format!("REPLY=\"{}1{}\"", "{\\\"a\\\":".repeat(500), "}".repeat(500));
    for (defines, fault) in [
        (&["REPLY=\"{\\\"a\\\":NaN}\""][..], BadReply::NotJson),
        (&["REPLY=\"\""], BadReply::NotJson),
        (&["REPLY=\"[]\""], BadReply::NotAnObject),
        (&["REPLY=\"{\\\"a\\\":\\\"\\xff\\\"}\""], BadReply::NotUtf8),
        (&["REPLY=\"{\\\"a\\\":1,\\\"a\\\":2}\""], BadReply::DuplicateMember),
        (&[deep.as_str()], BadReply::TooDeep),
        (&["LARGE=65535"], BadReply::TooLarge),
        (&["LARGE=50000000"], BadReply::TooLarge),
        (&["REPLIES=2"], BadReply::Several),
    ] {
        assert_eq!(failure_of(defines).await, failed(FailureKind::BadReply(fault)), "{defines:?}");
    }
    let folder = Folder::with_variant(&["LARGE=65534"]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    assert_eq!(ask(&host, "billing", "ada").await.map(|object| object.len()), Ok(0));
}

#[tokio::test]
async fn e7_success_without_an_answer_is_a_failure() {
    assert_eq!(failure_of(&["REPLIES=0"]).await, failed(FailureKind::NoReply));
}

#[tokio::test]
async fn every_code_but_success_is_a_failure_even_with_an_answer() {
    for (define, kind) in [
        ("CODE=1", FailureKind::NoOpinion),
        ("CODE=2", FailureKind::MayNotDeny),
        ("CODE=4", FailureKind::Fatal),
        ("CODE=5", FailureKind::Panic),
        ("CODE=6", FailureKind::UnknownCode(6)),
        ("CODE=-1", FailureKind::UnknownCode(-1)),
    ] {
        assert_eq!(failure_of(&[define]).await, failed(kind), "{define}");
    }
    let retry = CallFailure::Unavailable { alias: "billing".to_owned(), cause: Unavailability::Retry };
    assert_eq!(failure_of(&["CODE=3"]).await, retry);
}

#[tokio::test]
async fn a_denial_counts_where_the_operator_allows_it() {
    let folder = Folder::with_variant(&["CODE=2"]);
    let settings = InstanceSettings { may_deny: true, ..InstanceSettings::default() };
    let host = folder.serve("variant", settings).unwrap();
    let failure = ask(&host, "billing", "ada").await.unwrap_err();
    assert_eq!(failure, CallFailure::Denied("said the plugin".to_owned()));
    assert!(!failure.to_string().contains("said"));
}

#[tokio::test]
async fn failures_say_when_to_come_back_and_nothing_about_the_user() {
    for define in ["CODE=3", "CODE=4", "CODE=99", "REPLIES=0"] {
        let failure = failure_of(&[define]).await;
        assert!(!failure.retry_after().is_zero());
        assert!(!failure.to_string().contains("ada") && !failure.to_string().contains("said the plugin"));
    }
}

#[tokio::test]
async fn e1_a_service_that_is_not_configured_has_no_answer() {
    let folder = Folder::with_variant(&[]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    assert_eq!(ask(&host, "variant", "ada").await, Err(CallFailure::UnknownService));
}

#[tokio::test]
async fn e3_a_panic_fails_its_call_and_nothing_else() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    for isolation in [Isolation::Thread, Isolation::Inline] {
        let settings = |fault: &str| InstanceSettings { isolation, ..config(&json!({"fault": fault})) };
        let services = vec![
            (service("bad"), spec("bad", "faulty-plugin", settings("panic-in-call"))),
            (service("good"), spec("good", "faulty-plugin", settings("none"))),
        ];
        let observer = Arc::new(Recorder::default());
        let host =
            PluginHost::load(&folder.plan(services, Vec::new()), parts_with(observer.clone())).unwrap();
        for _ in 0..10 {
            let failure = ask(&host, "bad", "ada").await.unwrap_err();
            let panic = CallFailure::Failed { alias: "bad".to_owned(), kind: FailureKind::Panic };
            assert_eq!(failure, panic);
            assert_eq!(json!(ask(&host, "good", "ada").await.unwrap()), json!({"service": "good"}));
        }
        let panics = observer.seen().into_iter().filter(|seen| seen.2 == Outcome::Panic).count();
        assert_eq!(panics, 10);
        assert!(observer.seen().contains(&("good".to_owned(), Operation::Permissions, Outcome::Ok)));
    }
}

#[tokio::test]
async fn e7_the_faulty_plugin_sends_what_its_name_promises() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    for (fault, kind) in [
        ("not-json", FailureKind::BadReply(BadReply::NotJson)),
        ("not-utf8", FailureKind::BadReply(BadReply::NotUtf8)),
        ("not-an-object", FailureKind::BadReply(BadReply::NotAnObject)),
        ("too-big", FailureKind::BadReply(BadReply::TooLarge)),
        ("too-deep", FailureKind::BadReply(BadReply::TooDeep)),
        ("two-replies", FailureKind::BadReply(BadReply::Several)),
        ("no-reply", FailureKind::NoReply),
        ("unknown-code", FailureKind::UnknownCode(99)),
        ("no-opinion", FailureKind::NoOpinion),
        ("fatal", FailureKind::Fatal),
        ("deny", FailureKind::MayNotDeny),
    ] {
        let host = folder.serve("faulty-plugin", config(&json!({"fault": fault}))).unwrap();
        assert_eq!(ask(&host, "billing", "ada").await, Err(failed(kind)), "{fault}");
    }
}
