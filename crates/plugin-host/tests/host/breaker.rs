//! Plugins that fail again and again are given a rest.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use vestibule_plugin_host::{
    BreakerState, CallFailure, Hook, InstanceSettings, Isolation, Operation, Outcome, PluginHost,
    Unavailability,
};

use crate::support::{Folder, Recorder, ask, eventually, parts_with, patient, spec, user};

#[tokio::test]
async fn e4_after_five_failures_a_plugin_is_not_asked_and_callers_are_told_when_to_come_back() {
    let folder = Folder::with_variant(&["CODE=3"]);
    let observer = Arc::new(Recorder::default());
    let host = folder.serve_observed("variant", patient(), observer.clone()).unwrap();
    for user in ["ada", "bob", "eve", "joe", "kim"] {
        let retry = CallFailure::Unavailable { alias: "billing".to_owned(), cause: Unavailability::Retry };
        assert_eq!(ask(&host, "billing", user).await, Err(retry));
    }
    assert_eq!(host.gauges()[0].breaker, BreakerState::Open);
    let failure = ask(&host, "billing", "bob").await.unwrap_err();
    assert!(failure.to_string().contains("has failed too often and is given a rest"), "{failure}");
    let wait = failure.retry_after();
    assert!((Duration::from_secs(1)..=Duration::from_secs(7)).contains(&wait), "{wait:?}");
    assert_eq!((observer.taken_up(), observer.count(Outcome::BreakerOpen)), (5, 1));
}

#[tokio::test]
async fn a_plugin_that_recovers_is_asked_again() {
    let folder = Folder::with_variant(&["RECOVERS=5", "NUMBERED"]);
    let observer = Arc::new(Recorder::default());
    let host = folder.serve_observed("variant", patient(), observer.clone()).unwrap();
    let mut users = 0..;
    let answers = async || ask(&host, "billing", &format!("user-{}", users.next().unwrap())).await.is_ok();
    eventually("it answers again", answers).await;
    assert_eq!(host.gauges()[0].breaker, BreakerState::Closed);
    assert!(observer.count(Outcome::BreakerOpen) > 0, "it had its rest");
    assert_eq!(observer.taken_up(), 6);
}

#[tokio::test]
async fn e4_one_person_whose_data_make_a_plugin_fail_locks_nobody_out() {
    for define in ["CODE=3", "CODE=4", "CODE=5", "CODE=99", "REPLIES=0", "REPLY=\"[]\""] {
        let folder = Folder::with_variant(&[define]);
        let host = folder.serve("variant", patient()).unwrap();
        for _ in 0..30 {
            let answer = ask(&host, "billing", "ada").await;
            let Err(failure) = answer else { panic!("{define}: {answer:?}") };
            assert!(!failure.to_string().contains("has failed too often"), "{define}: {failure}");
        }
        for user in ["bob", "eve", "joe"] {
            ask(&host, "billing", user).await.unwrap_err();
        }
        assert_eq!(host.gauges()[0].breaker, BreakerState::Open, "{define}: it fails for everybody");
    }
}

#[tokio::test]
async fn denials_and_no_opinion_are_answers() {
    for define in ["CODE=1", "CODE=2"] {
        let folder = Folder::with_variant(&[define]);
        let host = folder.serve("variant", patient()).unwrap();
        for number in 0..30 {
            ask(&host, "billing", &format!("user-{number}")).await.unwrap_err();
        }
        assert_eq!(host.gauges()[0].breaker, BreakerState::Closed, "{define}");
    }
}

#[tokio::test]
async fn e8_an_extension_that_fails_too_often_is_skipped() {
    let folder = Folder::with_variant(&["CODE=3"]);
    let observer = Arc::new(Recorder::default());
    let specs = vec![spec("audit", "variant", patient())];
    let host = PluginHost::load(&folder.plan(Vec::new(), specs), parts_with(observer.clone())).unwrap();
    for number in 0..8 {
        let outcome = host.run_hook(Hook::UserLogin, user(&format!("user-{number}")), "google:1").await;
        assert!(outcome.patches.is_empty() && outcome.denied.is_none());
    }
    let seen = |outcome| ("audit".to_owned(), Operation::UserLogin, outcome);
    let expected = [vec![seen(Outcome::Retry); 5], vec![seen(Outcome::BreakerOpen); 3]].concat();
    assert_eq!(observer.seen(), expected);
}

#[tokio::test]
async fn e4_time_that_is_lost_in_the_queue_is_no_failure_of_the_plugin() {
    let folder = Folder::new();
    let gate = folder.file("gate");
    fs::write(&gate, "").unwrap();
    folder.compile("variant.c", "variant", &[&format!("GATE=\"{}\"", gate.display())]);
    for isolation in [Isolation::Thread, Isolation::Process] {
        fs::write(&gate, "").unwrap();
        let observer = Arc::new(Recorder::default());
        let timeout = Duration::from_secs(1);
        let settings = InstanceSettings { isolation, timeout, concurrency: 1, ..InstanceSettings::default() };
        let host = Arc::new(folder.serve_observed("variant", settings, observer.clone()).unwrap());
        let asking = |user: String| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { ask(&host, "billing", &user).await.map(drop) })
        };
        let first = asking("ada".to_owned());
        eventually("the thread has a call", async || observer.taken_up() == 1).await;
        let others: Vec<_> = (0..20).map(|number| asking(format!("user-{number}"))).collect();
        assert_eq!(cause_of(first.await.unwrap()), Unavailability::Timeout, "{isolation:?}");
        // The one who is next in another process may have had most of its time.
        for other in others {
            let cause = cause_of(other.await.unwrap());
            assert!(cause == Unavailability::QueueTimeout || cause == Unavailability::Timeout, "{cause}");
        }
        assert!(observer.count(Outcome::QueueTimeout) >= 19, "{isolation:?}: {:?}", observer.seen());
        assert_eq!(host.gauges()[0].breaker, BreakerState::Closed, "{isolation:?}");
        fs::remove_file(&gate).unwrap();
        let answers = async || ask(&host, "billing", "bob").await.is_ok();
        eventually("it answers again", answers).await;
    }
}

fn cause_of(answer: Result<(), CallFailure>) -> Unavailability {
    match answer {
        Err(CallFailure::Unavailable { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}
