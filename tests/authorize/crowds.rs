//! One person asks for more than their share. The others do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::{JoinSet, yield_now};
use vestibule_test_support::{Method, Program, TestDatabase, eventually};

use super::plugins::PluginFolder;
use super::{authorize, granted};
use crate::faults::stage::sign_in_as;
use crate::world::{TRUSTED, World, point_at};

/// Sessions of the one person, so that each asks another question.
const SESSIONS: usize = 12;
/// Clients that ask without a pause in each of them.
const CLIENTS: usize = 8;
/// How often each of the others asks.
const TIMES: usize = 4;

/// A plugin that takes a quarter of a second for everybody, and fewer places to wait for it than one person has sessions.
async fn with_slow_plugin(isolation: &str) -> (World, PluginFolder) {
    let folder = PluginFolder::new();
    folder.add_variant("slow", &["SLOW=250"]);
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:slow")
        .config(&format!("[plugin.storage]\nisolation = \"{isolation}\"\ntimeout = \"60s\"\nqueue = 8\n"))
        .without_limits()
        .with_metrics()
        .start()
        .await;
    (world, folder)
}

/// Whoever asks until told to stop; how often that was answered.
async fn flood(world: &World, stop: &Arc<AtomicBool>) -> JoinSet<usize> {
    let mut clients = JoinSet::new();
    for _ in 0..SESSIONS {
        let token = sign_in_as(world, "greedy").await;
        for _ in 0..CLIENTS {
            let (client, token, stop) = (world.browser(), token.clone(), Arc::clone(stop));
            clients.spawn(async move {
                let mut answered = 0;
                while !stop.load(Ordering::Relaxed) {
                    let request = client.request(Method::GET, "/auth/authorize?service=storage");
                    let status = client.send(request.bearer_auth(&token)).await.status;
                    assert!(status == 200 || status == 503, "{status}");
                    answered += usize::from(status == 200);
                    yield_now().await;
                }
                answered
            });
        }
    }
    clients
}

async fn others_always_have_their_answer(isolation: &str) {
    let (world, _folder) = with_slow_plugin(isolation).await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("github", "linus").await);
    let stop = Arc::default();
    let clients = flood(&world, &stop).await;
    let under_way = async || calls_under_way(&world).await > 2;
    eventually("the one has calls under way and in the queue", under_way).await;
    for _ in 0..TIMES {
        let both = tokio::join!(granted(&world, &ada, "storage"), granted(&world, &linus, "storage"));
        assert_eq!(both.0["permissions"], both.1["permissions"]);
    }
    stop.store(true, Ordering::Relaxed);
    let answered: usize = clients.join_all().await.into_iter().sum();
    let metrics = world.admin().get("/metrics").await.body;
    let has = |line: &str| metrics.lines().any(|written| written == line);
    assert!(has("vestibule_plugin_breaker_state{alias=\"storage\"} 0"), "{metrics}");
    assert!(!metrics.contains("outcome=\"breaker_open\""), "{metrics}");
    let calls =
        "vestibule_plugin_calls_total{alias=\"storage\",operation=\"get_permissions\",outcome=\"ok\"} ";
    let calls: usize = value_of(&metrics, calls).parse().unwrap();
    assert!(calls < answered, "whoever asks the same shares a call: {calls} calls, {answered} answers");
}

fn value_of<'a>(metrics: &'a str, name: &str) -> &'a str {
    metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {metrics}"))
}

async fn calls_under_way(world: &World) -> usize {
    let metrics = world.admin().get("/metrics").await.body;
    value_of(&metrics, "vestibule_plugin_inflight{alias=\"storage\"} ").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_on_threads_one_account_leaves_room_at_a_slow_plugin() {
    others_always_have_their_answer("thread").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_in_a_process_one_account_leaves_room_at_a_slow_plugin() {
    others_always_have_their_answer("process").await;
}

/// Whatever the plugin does for the one, it is asked for the others.
async fn others_do_not_notice_that_it_hangs(isolation: &str) {
    let folder = PluginFolder::new();
    folder.add_turns("turns", &[]);
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:turns")
        .config(&format!("[plugin.storage]\nisolation = \"{isolation}\"\ntimeout = \"1s\"\n"))
        .with_metrics()
        .start()
        .await;
    let (hangs, ada) = (sign_in_as(&world, "hang").await, world.sign_in("google", "ada").await);
    for _ in 0..6 {
        assert_eq!(authorize(&world, &hangs, "storage").await.status, 503);
    }
    let metrics = world.admin().get("/metrics").await.body;
    assert_eq!(value_of(&metrics, "vestibule_plugin_breaker_state{alias=\"storage\"} "), "0");
    // A second may be too little for a busy machine, and then is again.
    eventually("others are answered", async || authorize(&world, &ada, "storage").await.status == 200).await;
    assert_eq!(world.browser().get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_on_threads_one_person_for_whom_a_plugin_hangs_takes_it_from_nobody() {
    others_do_not_notice_that_it_hangs("thread").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_in_a_process_one_person_for_whom_a_plugin_hangs_takes_it_from_nobody() {
    others_do_not_notice_that_it_hangs("process").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_what_somebody_waits_for_at_one_replica_keeps_nobody_waiting_at_another() {
    let (here, there) =
        (PluginFolder::with_scripted("hang"), PluginFolder::with_scripted("{\"read\": true}"));
    let database = TestDatabase::postgres();
    let neighbour = Program::builder()
        .setting("DATABASE_URL", database.url())
        .setting("PLUGIN_PATH", &there.path())
        .setting("SCRIPT", &there.script())
        .setting("ALLOWED_SERVICES", "storage:scripted");
    let world = World::builder(database)
        .setting("PLUGIN_PATH", &here.path())
        .setting("SCRIPT", &here.script())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .config("[plugin.storage]\ntimeout = \"60s\"\n")
        .with_metrics()
        .start()
        .await;
    let neighbour = point_at(neighbour, &world.emulator, "", TRUSTED)
        .setting("KEYS_DIR", &world.program.keys_dir().display().to_string())
        .setting("EXTERNAL_ADDRESS", &world.program.base_url())
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let ask = |client: vestibule_test_support::Client, token: String| async move {
        let request = client.request(Method::GET, "/auth/authorize?service=storage").bearer_auth(token);
        client.send(request).await
    };
    let mut waiting = JoinSet::new();
    for _ in 0..4 {
        waiting.spawn(ask(world.browser(), token.clone()));
    }
    eventually("the call is under way", async || calls_under_way(&world).await == 1).await;
    let answer = ask(neighbour.client(), token).await;
    assert_eq!(answer.json()["permissions"], json!({"read": true}));
    here.write_script("{\"read\": false}");
    for answer in waiting.join_all().await {
        assert_eq!(answer.json()["permissions"], json!({"read": false}));
    }
}
