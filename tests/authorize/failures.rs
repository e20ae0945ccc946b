//! Plugins that do not answer, or not with an answer.

use std::pin::pin;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;
use vestibule_test_support::{TestDatabase, eventually};

use super::plugins::PluginFolder;
use super::{assert_unavailable, authorize, granted};
use crate::faults::stage::sign_in_as;
use crate::world::World;

/// The faults of the plugin `faulty-plugin`, when to come back, and what the log and the metrics call it.
const FAULTS: [(&str, &str, &str); 13] = [
    ("panic-in-call", "30", "panic"),
    ("retry", "2", "retry"),
    ("fatal", "30", "failed"),
    ("deny", "30", "failed"),
    ("no-opinion", "30", "no_opinion"),
    ("not-json", "30", "bad_answer"),
    ("not-utf8", "30", "bad_answer"),
    ("not-an-object", "30", "bad_answer"),
    ("too-big", "30", "bad_answer"),
    ("too-deep", "30", "bad_answer"),
    ("no-reply", "30", "bad_answer"),
    ("two-replies", "30", "bad_answer"),
    ("unknown-code", "30", "bad_answer"),
];

#[tokio::test(flavor = "multi_thread")]
async fn e3_e7_whatever_a_plugin_does_instead_of_answering_there_is_no_token() {
    let services: Vec<_> = FAULTS.iter().map(|(fault, ..)| format!("{fault}:faulty-plugin")).collect();
    let tables = FAULTS.map(|(fault, ..)| format!("[plugin.{fault}]\nconfig = {{ fault = \"{fault}\" }}\n"));
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", &format!("storage:sample-permissions;{}", services.join(";")))
        .config(&tables.concat())
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    for (fault, retry_after, outcome) in FAULTS {
        assert_unavailable(&authorize(&world, &token, fault).await, retry_after, fault);
        granted(&world, &token, "storage").await;
        assert!(world.is_signed_in(&token).await, "{fault}");
        let logs = world.program.logs();
        let noted = format!("plugin=\"{fault}\" operation=\"get_permissions\" outcome=\"{outcome}\"");
        assert!(logs.contains(&noted), "{noted} in {logs}");
    }
    assert_eq!(world.browser().get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_a_panic_costs_one_call_and_no_thread() {
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "panics:faulty-plugin")
        .config("[plugin.panics]\nconcurrency = 1\nconfig = { fault = \"panic-in-call\" }\n")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    for call in 1..=10 {
        assert_unavailable(&authorize(&world, &token, "panics").await, "30", "a panic");
        let seen = world.program.logs().matches("outcome=\"panic\"").count();
        assert_eq!(seen, call, "each call reached the plugin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_the_call_after_a_failure_is_answered() {
    let folder = PluginFolder::with_scripted("broken");
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    for (script, retry_after) in
        [("broken", "30"), ("later", "2"), ("", "30"), ("{\"a\":", "30"), ("{}{}", "30")]
    {
        folder.write_script(script);
        assert_unavailable(&authorize(&world, &token, "storage").await, retry_after, script);
        folder.write_script(r#"{"read": true}"#);
        assert_eq!(granted(&world, &token, "storage").await["permissions"], json!({"read": true}));
    }
    folder.write_script("{}");
    assert_eq!(
        granted(&world, &token, "storage").await["permissions"],
        json!({}),
        "nothing at all is an answer too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_while_a_plugin_hangs_everything_else_is_answered() {
    let folder = PluginFolder::with_scripted("hang");
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "hangs:scripted;storage:sample-permissions")
        .config("[plugin.hangs]\ntimeout = \"50s\"\n")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let mut hanging = pin!(authorize(&world, &token, "hangs"));
    let others = async {
        for _ in 0..5 {
            assert!(world.is_signed_in(&token).await);
            granted(&world, &token, "storage").await;
        }
        world.sign_in("github", "linus").await;
        assert_eq!(world.browser().get("/readyz").await.status, 200);
    };
    tokio::select! {
        biased;
        answer = &mut hanging => panic!("the plugin hangs, and yet: {answer:?}"),
        () = others => {}
    }
    folder.write_script(r#"{"late": true}"#);
    assert_eq!(
        hanging.await.json()["permissions"],
        json!({"late": true}),
        "within its time a late answer counts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_a_hanging_plugin_is_given_up_and_taken_back_when_it_answers() {
    let folder = PluginFolder::with_scripted("hang");
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "hangs:scripted;storage:sample-permissions")
        .config("[plugin.hangs]\ntimeout = \"100ms\"\nconcurrency = 2\n")
        .start()
        .await;
    let (token, other) = (world.sign_in("google", "ada").await, world.sign_in("github", "linus").await);
    assert_unavailable(&authorize(&world, &token, "hangs").await, "2", "it may have been slow just once");
    let stuck = async || {
        authorize(&world, &other, "hangs").await;
        let answer = authorize(&world, &token, "hangs").await;
        answer.status == 503 && answer.header("retry-after") == Some("30")
    };
    eventually("all threads hang, and no further call is tried", stuck).await;
    let ready = world.browser().get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.header("retry-after")), (503, Some("2")));
    assert!(ready.body.contains("a plugin is not well"), "{}", ready.body);
    assert_eq!(world.browser().get("/healthz").await.status, 200, "a restart is not what it needs");
    granted(&world, &token, "storage").await;

    folder.write_script(r#"{"read": true}"#);
    let back = async || authorize(&world, &token, "hangs").await.status == 200;
    eventually("the plugin answers again", back).await;
    assert_eq!(world.browser().get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_a_plugin_that_fails_again_and_again_is_given_a_rest_and_taken_back() {
    let folder = PluginFolder::with_scripted("later");
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .with_metrics()
        .start()
        .await;
    let mut tokens = Vec::new();
    for person in ["one", "two", "three", "four", "five"] {
        tokens.push(sign_in_as(&world, person).await);
    }
    for token in &tokens {
        assert_unavailable(&authorize(&world, token, "storage").await, "2", "it asks to try later");
    }
    let token = tokens.pop().unwrap();
    folder.write_script(r#"{"read": true}"#);
    let answer = authorize(&world, &token, "storage").await;
    let rest = answer.header("retry-after").unwrap().to_owned();
    assert_unavailable(&answer, &rest, "it is not asked");
    assert!((1..=7).contains(&rest.parse::<u32>().unwrap()), "{rest}");
    let metrics = world.admin().get("/metrics").await.body;
    assert!(metrics.contains("vestibule_plugin_breaker_state{alias=\"storage\"} 2"), "{metrics}");
    assert!(metrics.contains("outcome=\"breaker_open\"} 1"), "{metrics}");
    let back = async || authorize(&world, &token, "storage").await.status == 200;
    eventually("the plugin is asked again", back).await;
    assert_eq!(world.program.logs().matches("has failed too often and is not asked for").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_more_callers_than_threads_and_places_are_told_to_come_back() {
    let folder = PluginFolder::with_scripted("hang");
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "narrow:scripted")
        .config("[plugin.narrow]\ntimeout = \"50s\"\nconcurrency = 1\nqueue = 1\n")
        .start()
        .await;
    let mut callers = JoinSet::new();
    for person in ["one", "two", "three"] {
        let (client, token) = (world.browser(), sign_in_as(&world, person).await);
        callers.spawn(async move {
            let request = client.request(Method::GET, "/auth/authorize?service=narrow").bearer_auth(token);
            client.send(request).await
        });
    }
    let refused = callers.join_next().await.unwrap().unwrap();
    assert_unavailable(&refused, "2", "there is one thread and one place to wait");
    folder.write_script(r#"{"read": true}"#);
    for answer in callers.join_all().await {
        assert_eq!(answer.json()["permissions"], json!({"read": true}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_a_plugin_that_ends_the_process_costs_nothing_that_was_acknowledged() {
    let mut world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "aborts:faulty-plugin;storage:sample-permissions")
        .config("[plugin.aborts]\nconfig = { fault = \"abort\" }\n")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let browser = world.browser();
    let request = browser.request(Method::GET, "/auth/authorize?service=aborts").bearer_auth(&token);
    assert!(browser.try_send(request).await.is_err(), "nobody is left to answer");
    assert!(!world.program.ended().await.success());
    let logs = world.program.logs();
    let last = logs.lines().last().unwrap_or_default();
    let culprit = "vestibule: fatal signal SIGABRT in plugin \"aborts\" (get_permissions, ";
    assert!(last.starts_with(culprit) && last.contains("faulty_plugin.so, sha256 "), "{logs}");
    world.program.start_again().await;
    granted(&world, &token, "storage").await;
}
