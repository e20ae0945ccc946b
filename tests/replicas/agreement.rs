//! What happens at one process is seen by all others within a second, while each of them answers from memory.
//!
//! The times are printed. What is asserted is far more than they are: the machine of a test has other things to do as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vestibule_test_support::{
    Answer, Client, Method, Program, Shutdown, TestCluster, TestDatabase, eventually,
};

use crate::sign_out::start_neighbour;
use crate::world::{TRUSTED, World, WorldBuilder, on_both_databases, point_at};

/// How long an agreement may take on a machine that is busy with other tests.
const BOUND: Duration = Duration::from_secs(5);
/// Questions that are asked before anything happens, so that the answer comes from memory.
const WARM: u64 = 20;

async fn as_holder(client: &Client, token: &str, address: &str) -> Answer {
    client.send(client.request(Method::GET, address).bearer_auth(token)).await
}

/// Somebody who never stops asking whether a token counts.
struct Hammer {
    asked: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Hammer {
    async fn on(program: &Program, token: &str) -> Self {
        let (asked, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (client, token) = (program.client(), token.to_owned());
        let (count, end) = (Arc::clone(&asked), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !end.load(Ordering::Relaxed) {
                let status = as_holder(&client, &token, "/auth/check").await.status;
                assert!(status == 200, "a check under way: {status}");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let hammer = Self { asked, stop, task };
        eventually("answers come from memory", async || hammer.asked.load(Ordering::Relaxed) >= WARM).await;
        hammer
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("every check was answered");
    }
}

/// Two processes on one database, and a person who is signed in.
struct Pair {
    here: World,
    there: Program,
}

impl Pair {
    async fn start() -> Self {
        let database = TestDatabase::postgres();
        let url = database.url().to_owned();
        let here = World::on(database).await;
        let there = start_neighbour(&here, &url).await;
        Self { here, there }
    }

    async fn check_there(&self, token: &str) -> Value {
        as_holder(&self.there.client(), token, "/auth/check").await.json()
    }

    async fn is_signed_in_there(&self, token: &str) -> bool {
        self.check_there(token).await["authenticated"] == true
    }

    async fn id_of(&self, token: &str) -> String {
        self.here.profile(token).await["id"].as_str().unwrap().to_owned()
    }

    /// Runs a command of the program: a third process.
    async fn command(&self, arguments: &[&str]) {
        let output = self.here.program.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    async fn until_dead_there(&self, what: &str, token: &str) {
        until_within_bound(what, async || !self.is_signed_in_there(token).await).await;
    }
}

async fn until_within_bound(what: &str, is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    eventually(what, is_so).await;
    let took = began.elapsed();
    println!("{what}: {took:?}");
    assert!(took < BOUND, "{what}: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_sign_out_here_is_seen_there_while_it_answers_from_memory() {
    let pair = Pair::start().await;
    let (ended, other) = (pair.here.sign_in("google", "ada").await, pair.here.sign_in("google", "ada").await);
    let hammers = [Hammer::on(&pair.there, &ended).await, Hammer::on(&pair.there, &other).await];
    pair.here.post_as(&ended, "/auth/logout", &[]).await;
    assert!(!pair.here.is_signed_in(&ended).await, "at once where it happened");
    pair.until_dead_there("a sign-out", &ended).await;
    assert!(pair.is_signed_in_there(&other).await);

    let all = as_form(&pair.there.client(), &other, "/auth/logout", &[("all", "true")]).await;
    assert_eq!(all.json(), json!({"success": true}));
    assert!(!pair.is_signed_in_there(&other).await, "at once where it happened");
    until_within_bound("signing out everywhere", async || !pair.here.is_signed_in(&other).await).await;
    for hammer in hammers {
        hammer.stop().await;
    }
    for _ in 0..WARM {
        assert!(!pair.is_signed_in_there(&ended).await && !pair.here.is_signed_in(&other).await, "for good");
    }
}

async fn as_form(client: &Client, token: &str, address: &str, fields: &[(&str, &str)]) -> Answer {
    client.send(client.request(Method::POST, address).bearer_auth(token).form(fields)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_d9_what_a_command_does_to_a_user_is_seen_by_every_replica() {
    let pair = Pair::start().await;
    let token = pair.here.sign_in("google", "ada").await;
    let id = pair.id_of(&token).await;
    let hammers = [Hammer::on(&pair.here.program, &token).await, Hammer::on(&pair.there, &token).await];
    pair.command(&["users", "disable", &id]).await;
    pair.until_dead_there("a disabled user, there", &token).await;
    until_within_bound("a disabled user, here", async || !pair.here.is_signed_in(&token).await).await;
    for hammer in hammers {
        hammer.stop().await;
    }

    pair.command(&["users", "enable", &id]).await;
    assert!(!pair.is_signed_in_there(&token).await, "what was ended stays so");
    let token = pair.here.sign_in("google", "ada").await;
    let hammer = Hammer::on(&pair.there, &token).await;
    pair.command(&["users", "delete", &id]).await;
    pair.until_dead_there("a deleted user", &token).await;
    hammer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_username_and_a_profile_that_change_here_are_seen_there() {
    let pair = Pair::start().await;
    let token = pair.here.sign_in("google", "ada").await;
    let hammer = Hammer::on(&pair.there, &token).await;
    let chosen = pair.here.post_as(&token, "/auth/update", &[("username", "countess")]).await;
    assert_eq!(chosen.json(), json!({"success": true}));
    assert_eq!(pair.here.profile(&token).await["username"], "countess", "at once where it happened");
    let username_there = async || pair.check_there(&token).await["profile"]["username"].clone();
    until_within_bound("a username", async || username_there().await == "countess").await;

    let mut persona = pair.here.control().find_persona("ada").expect("a persona");
    persona.google["name"] = json!("Augusta Ada");
    pair.here.control().put_persona(persona);
    pair.here.sign_in("google", "ada").await;
    let name_there = async || pair.check_there(&token).await["profile"]["name"].clone();
    until_within_bound("a name", async || name_there().await == "Augusta Ada").await;
    hammer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_m3_a_key_that_comes_or_goes_is_seen_by_every_replica() {
    let pair = Pair::start().await;
    let token = pair.here.sign_in("google", "ada").await;
    let hammer = Hammer::on(&pair.there, &token).await;
    let old = std::fs::read_dir(pair.here.program.keys_dir()).unwrap().next().unwrap().unwrap().path();
    let before = pair.there.client().get("/auth/public-key").await.body;
    pair.command(&["keys", "rotate"]).await;
    let shown_by_neighbour = async || pair.there.client().get("/auth/public-key").await.body;
    until_within_bound("a new key, there", async || shown_by_neighbour().await != before).await;
    let shown_here = async || pair.here.browser().get("/auth/public-key").await.body;
    until_within_bound("a new key, here", async || shown_here().await == shown_by_neighbour().await).await;
    let fresh = pair.here.sign_in("google", "ada").await;
    assert!(pair.is_signed_in_there(&fresh).await && pair.is_signed_in_there(&token).await);

    std::fs::remove_file(old).unwrap();
    pair.until_dead_there("a token of a key that was revoked, there", &token).await;
    until_within_bound("and here", async || !pair.here.is_signed_in(&token).await).await;
    assert!(pair.is_signed_in_there(&fresh).await);
    hammer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_a_role_that_is_granted_or_revoked_is_seen_by_every_replica() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("roles.toml");
    std::fs::write(&rules, "database = true\n").unwrap();
    let table = format!("[plugin.storage]\nconfig = {{ file = \"{}\" }}", rules.display());
    let database = TestDatabase::postgres();
    let neighbour = Program::builder()
        .setting("DATABASE_URL", database.url())
        .setting("ALLOWED_SERVICES", "storage:roles");
    let here = World::builder(database).setting("ALLOWED_SERVICES", "storage:roles").config(&table);
    let here = here.start().await;
    let there = point_at(neighbour, &here.emulator, &table, TRUSTED)
        .setting("KEYS_DIR", &here.program.keys_dir().display().to_string())
        .setting("EXTERNAL_ADDRESS", &here.program.base_url())
        .start()
        .await;
    let pair = Pair { here, there };
    let token = pair.here.sign_in("google", "ada").await;
    let id = pair.id_of(&token).await;
    let may_write = async || {
        let answer = as_holder(&pair.there.client(), &token, "/auth/authorize?service=storage").await;
        answer.json()["permissions"]["write"] == true
    };
    assert!(!may_write().await);
    pair.command(&["roles", "grant", "--role", "Writer", "--user", &id]).await;
    until_within_bound("a role that was granted", may_write).await;
    pair.command(&["roles", "revoke", "--role", "Writer", "--user", &id]).await;
    until_within_bound("a role that was revoked", async || !may_write().await).await;
}

on_both_databases! {
    /// On a file the command is the other process.
    async fn d9_a_command_beside_the_service_is_seen_while_it_answers_from_memory(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let hammer = Hammer::on(&world.program, &token).await;
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        assert!(world.program.run(&["users", "disable", &id]).await.status.success());
        until_within_bound("a disabled user", async || !world.is_signed_in(&token).await).await;
        hammer.stop().await;
    }
}

async fn on_own_server(settings: impl FnOnce(WorldBuilder) -> WorldBuilder) -> (TestCluster, World, String) {
    let cluster = tokio::task::spawn_blocking(TestCluster::start_durable).await.unwrap();
    let world = settings(World::builder(cluster.create_database())).start().await;
    let token = world.sign_in("google", "ada").await;
    Hammer::on(&world.program, &token).await.stop().await;
    (cluster, world, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_without_a_grace_nobody_is_signed_in_while_the_database_is_gone() {
    let (mut cluster, world, token) = on_own_server(|builder| builder).await;
    cluster.stop(Shutdown::Fast);
    let check = async || world.get_as(&token, "/auth/check").await;
    until_within_bound("nothing is believed", async || check().await.status == 503).await;
    assert!(check().await.header("retry-after").is_some());
    for address in ["/auth/public-key", "/.well-known/jwks.json"] {
        assert_eq!(world.browser().get(address).await.status, 200, "{address}");
    }
    cluster.start_again();
    until_within_bound("all is well", async || check().await.status == 200).await;
    assert!(world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_l7_with_a_grace_a_session_in_memory_counts_for_check_alone_and_not_for_ever() {
    let (cluster, world, token) = on_own_server(|builder| builder.setting("OUTAGE_GRACE", "8s")).await;
    cluster.freeze();
    let began = Instant::now();
    let mut answered = 0;
    while began.elapsed() < Duration::from_secs(4) {
        assert!(world.is_signed_in(&token).await);
        answered += 1;
    }
    println!("{answered} checks in 4 s with a server that stands still");
    assert!(answered > 20, "a wait for the database is not paid each time: {answered}");
    let authorize = world.get_as(&token, "/auth/authorize?service=storage").await;
    let update = world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
    assert_eq!((authorize.status.as_u16(), update.status.as_u16()), (503, 503));
    let check = async || world.get_as(&token, "/auth/check").await.status;
    eventually("the grace is over", async || check().await == 503).await;
    assert!(began.elapsed() >= Duration::from_secs(7), "{:?}", began.elapsed());
    cluster.thaw();
    eventually("all is well", async || check().await == 200).await;
    assert!(world.is_signed_in(&token).await);
}
