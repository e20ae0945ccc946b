//! Answers that are used again, for as long as the plugin says and no longer.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use vestibule_domain::{DisplayName, UserId};
use vestibule_plugin_host::{
    CacheResult, CallFailure, InstanceSettings, Isolation, Outcome, PermissionRequest, PluginHost,
};

use crate::support::{Folder, Recorder, ask, eventually, patient, service, user};

fn ada() -> UserId {
    UserId::parse("ada").unwrap()
}

/// Which call of the plugin an answer is from.
async fn number(host: &PluginHost, user_id: &str) -> u64 {
    ask(host, "billing", user_id).await.unwrap()["number"].as_u64().unwrap()
}

/// A plugin that numbers its answers and allows their use for a while, and does not answer while its gate is closed.
struct Stage {
    _folder: Folder,
    gate: std::path::PathBuf,
    host: Arc<PluginHost>,
    observer: Arc<Recorder>,
}

impl Stage {
    fn new(ttl: &str, settings: InstanceSettings) -> Self {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let define = format!("GATE=\"{}\"", gate.display());
        folder.compile("variant.c", "variant", &["NUMBERED", &define, &format!("TTL={ttl}")]);
        let observer = Arc::new(Recorder::default());
        let host = folder.serve_observed("variant", settings, observer.clone()).unwrap();
        Self { _folder: folder, gate, host: Arc::new(host), observer }
    }

    fn close_gate(&self) {
        fs::write(&self.gate, "").unwrap();
    }

    fn open_gate(&self) {
        fs::remove_file(&self.gate).unwrap();
    }

    /// Asks about Ada on the side.
    fn ask(&self) -> JoinHandle<u64> {
        let host = Arc::clone(&self.host);
        tokio::spawn(async move { number(&host, "ada").await })
    }

    async fn until_taken_up(&self, calls: usize) {
        eventually("a thread has the call", async || self.observer.taken_up() == calls).await;
    }
}

#[tokio::test]
async fn an_answer_is_used_again_only_when_the_plugin_allows_it() {
    let stage = Stage::new("60", patient());
    let host = &stage.host;
    assert_eq!([number(host, "ada").await, number(host, "bob").await, number(host, "ada").await], [1, 2, 1]);
    let expected = [CacheResult::Miss, CacheResult::Miss, CacheResult::Hit];
    assert_eq!(stage.observer.cache_results(), expected);
    assert_eq!(stage.observer.count(Outcome::Ok), 2, "a use is no call");
    let folder = Folder::with_variant(&["NUMBERED"]);
    let host = folder.serve("variant", patient()).unwrap();
    assert_eq!([number(&host, "ada").await, number(&host, "ada").await], [1, 2]);
}

#[tokio::test]
async fn e9_an_answer_has_an_end_however_often_it_is_used() {
    for (ttl, max_ttl) in [("1", None), ("3600", Some(Duration::from_secs(1)))] {
        let stage = Stage::new(ttl, InstanceSettings { max_ttl, ..patient() });
        assert_eq!(number(&stage.host, "ada").await, 1);
        eventually("it is asked again", async || number(&stage.host, "ada").await == 2).await;
        assert!(stage.observer.cache_results().contains(&CacheResult::Stale));
    }
    let never = Stage::new("3600", InstanceSettings { max_ttl: Some(Duration::ZERO), ..patient() });
    assert_eq!([number(&never.host, "ada").await, number(&never.host, "ada").await], [1, 2]);
}

#[tokio::test]
async fn e9_a_user_who_is_forgotten_is_asked_about_afresh() {
    let stage = Stage::new("3600", patient());
    let host = &stage.host;
    assert_eq!([number(host, "ada").await, number(host, "ada").await], [1, 1]);
    host.forget_user(&ada());
    assert_eq!(number(host, "ada").await, 2);
}

#[tokio::test]
async fn e9_an_answer_on_its_way_when_its_user_is_forgotten_is_not_used_again() {
    for ttl in ["3600", "0"] {
        let stage = Stage::new(ttl, patient());
        stage.close_gate();
        let early = stage.ask();
        stage.until_taken_up(1).await;
        stage.host.forget_user(&ada());
        let late = stage.ask();
        stage.until_taken_up(2).await;
        stage.open_gate();
        let (early, late) = (early.await.unwrap(), late.await.unwrap());
        assert_ne!(early, late, "whoever asks after it does not share it");
        let next = if ttl == "0" { 3 } else { late };
        assert_eq!(number(&stage.host, "ada").await, next);
    }
}

#[tokio::test]
async fn a_change_of_the_user_is_another_question() {
    let stage = Stage::new("3600", patient());
    assert_eq!(number(&stage.host, "ada").await, 1);
    let (service, mut renamed) = (service("billing"), user("ada"));
    renamed.name = DisplayName::clean("Ada King");
    let request = PermissionRequest {
        service: &service,
        user: &renamed,
        provider_id: Some("google:1"),
        session: None,
        user_context: None,
        memo: None,
    };
    assert_eq!(json!(stage.host.permissions(&request).await.unwrap()), json!({"number": 2}));
    let request = PermissionRequest { provider_id: Some("github:7"), ..request };
    assert_eq!(json!(stage.host.permissions(&request).await.unwrap()), json!({"number": 3}));
}

#[tokio::test]
async fn e4_those_who_ask_the_same_at_one_moment_share_one_call() {
    for ttl in ["3600", "0"] {
        let stage = Stage::new(ttl, patient());
        stage.close_gate();
        let callers: Vec<_> = (0..20).map(|_| stage.ask()).collect();
        let all_wait = async || stage.observer.cache_results().len() == 20;
        eventually("all have asked", all_wait).await;
        stage.until_taken_up(1).await;
        stage.open_gate();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), 1);
        }
        let shared = |result: &&CacheResult| **result == CacheResult::Shared;
        assert_eq!(stage.observer.cache_results().iter().filter(shared).count(), 19);
        assert_eq!(stage.observer.count(Outcome::Ok), 1, "one call");
    }
}

#[tokio::test]
async fn e4_a_caller_who_goes_away_takes_nobody_with_them() {
    let stage = Stage::new("0", patient());
    stage.close_gate();
    let first = stage.ask();
    stage.until_taken_up(1).await;
    let second = stage.ask();
    eventually("the second waits", async || stage.observer.cache_results().len() == 2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let third = stage.ask();
    eventually("the third waits", async || stage.observer.cache_results().len() == 3).await;
    stage.open_gate();
    assert_eq!((second.await.unwrap(), third.await.unwrap()), (1, 1), "it is the same call");
}

#[tokio::test]
async fn e4_a_failure_is_told_to_all_who_wait_and_kept_for_nobody() {
    let folder = Folder::new();
    let gate = folder.file("gate");
    folder.compile("variant.c", "variant", &["CODE=4", &format!("GATE=\"{}\"", gate.display()), "TTL=3600"]);
    let observer = Arc::new(Recorder::default());
    let host = Arc::new(folder.serve_observed("variant", patient(), observer.clone()).unwrap());
    fs::write(&gate, "").unwrap();
    let asking = || {
        let host = Arc::clone(&host);
        tokio::spawn(async move { ask(&host, "billing", "ada").await })
    };
    let callers: Vec<_> = (0..5).map(|_| asking()).collect();
    eventually("all have asked", async || observer.cache_results().len() == 5).await;
    fs::remove_file(&gate).unwrap();
    for caller in callers {
        assert!(matches!(caller.await.unwrap(), Err(CallFailure::Failed { .. })));
    }
    assert_eq!(observer.count(Outcome::Failed), 1);
    asking().await.unwrap().unwrap_err();
    assert_eq!(observer.count(Outcome::Failed), 2);
}

#[tokio::test]
async fn e4_of_one_user_two_calls_are_under_way_and_others_have_their_turn() {
    for isolation in [Isolation::Thread, Isolation::Process] {
        let stage = Stage::new("0", InstanceSettings { isolation, ..patient() });
        stage.close_gate();
        let asking = |user_id: &'static str, provider_id: &'static str| {
            let host = Arc::clone(&stage.host);
            tokio::spawn(async move {
                let (service, user) = (service("billing"), user(user_id));
                let (session, user_context) = (None, None);
                let request = PermissionRequest {
                    service: &service,
                    user: &user,
                    provider_id: Some(provider_id),
                    session,
                    user_context,
                    memo: None,
                };
                host.permissions(&request).await.unwrap()
            })
        };
        let many = ["google:1", "google:2", "google:3", "google:4", "google:5"].map(|one| asking("ada", one));
        eventually("all have asked", async || stage.observer.cache_results().len() == 5).await;
        stage.until_taken_up(2).await;
        let bob = asking("bob", "google:6");
        stage.until_taken_up(3).await;
        assert_eq!((stage.host.gauges()[0].inflight, stage.observer.taken_up()), (6, 3), "{isolation:?}");
        stage.open_gate();
        let last = bob.await.unwrap()["number"].as_u64().unwrap();
        assert!(last <= 3, "{isolation:?}: {last}");
        for one in many {
            one.await.unwrap();
        }
    }
}

#[tokio::test]
async fn failures_are_asked_again_and_a_denial_is_kept_for_a_moment() {
    let folder = Folder::with_variant(&["CODE=4", "NUMBERED", "TTL=3600"]);
    let observer = Arc::new(Recorder::default());
    let host = folder.serve_observed("variant", patient(), observer.clone()).unwrap();
    for _ in 0..3 {
        assert!(matches!(ask(&host, "billing", "ada").await, Err(CallFailure::Failed { .. })));
    }
    assert_eq!(observer.taken_up(), 3);
    let folder = Folder::with_variant(&["CODE=2", "TTL=3600"]);
    let observer = Arc::new(Recorder::default());
    let settings = InstanceSettings { may_deny: true, ..patient() };
    let host = folder.serve_observed("variant", settings, observer.clone()).unwrap();
    let denied = Err(CallFailure::Denied("said the plugin".to_owned()));
    assert_eq!(ask(&host, "billing", "ada").await, denied);
    assert_eq!(ask(&host, "billing", "ada").await, denied);
    let asked_again = async || {
        assert_eq!(ask(&host, "billing", "ada").await, denied);
        observer.taken_up() == 2
    };
    eventually("it is asked again although it allows an hour", asked_again).await;
}
