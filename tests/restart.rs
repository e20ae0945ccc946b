//! The program ends and begins again, kindly or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use vestibule_provider_emulator::{Endpoint, Provider};
use vestibule_test_support::{Program, RawConnection, TestDatabase, eventually};

use crate::authorize::granted;
use crate::world::{APP, World, on_both_databases};

on_both_databases! {
    async fn l2_sessions_and_usernames_survive_a_stop_and_a_kill(database) {
        let mut world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        let profile = world.profile(&token).await;
        assert_eq!(profile["username"], "ada");
        assert_eq!(world.program.stop().await.code(), Some(0));
        world.program.start_again().await;
        assert_eq!(world.profile(&token).await, profile);
        world.program.kill().await;
        world.program.start_again().await;
        assert_eq!(world.profile(&token).await, profile);
        granted(&world, &token, "storage").await;
    }

    async fn l10_a_sign_in_that_was_begun_before_a_restart_finishes_after_it_and_only_once(database) {
        let mut world = World::on(database).await;
        let browser = world.browser();
        let callback = world.reach_callback(&browser, "google", "ada", APP).await;
        world.program.kill().await;
        world.program.start_again().await;
        let token = browser.get(callback.as_str()).await.location_parameter("jwt").expect("a token");
        assert!(world.is_signed_in(&token).await);
        world.program.restart().await;
        let again = browser.get(callback.as_str()).await;
        assert_eq!(again.status, 400, "what was used before a restart is still used after it");
        assert_eq!(world.control().token_exchanges(Provider::Google).succeeded, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_a_request_under_way_is_answered_before_the_program_ends_and_no_new_one_is_taken() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    world.control().set_slow_delay(Duration::from_secs(5));
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "slow", APP).await;
    let under_way = tokio::spawn(async move { browser.get(callback.as_str()).await });
    let control = world.control();
    let reached = async || control.requests(Provider::Google, Endpoint::Token) == 1;
    eventually("the provider is asked to exchange the code", reached).await;

    world.program.begin_stop();
    let address = world.program.base_url().replace("http://", "");
    eventually("no connection is taken any more", async || TcpStream::connect(&address).await.is_err()).await;
    assert!(!under_way.is_finished(), "the sign-in is still under way");
    let token = under_way.await.unwrap().location_parameter("jwt").expect("a token");
    assert_eq!(world.program.ended().await.code(), Some(0));

    world.program.start_again().await;
    assert!(world.is_signed_in(&token).await, "what was answered last is kept like all the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_connections_that_say_nothing_do_not_keep_the_program_from_ending() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let base_url = world.program.base_url();
    let _silent = RawConnection::open(&base_url).await;
    let mut half = RawConnection::open(&base_url).await;
    half.send("GET /auth/check HTTP/1.1\r\nHost: x\r\n").await;
    let mut idle = RawConnection::open(&base_url).await;
    idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(idle.receive(Duration::from_millis(500)).await.statuses(), [200]);
    assert_eq!(world.program.stop().await.code(), Some(0));
    assert!(
        world.program.logs().contains("stopping: readiness says no, then requests under way are finished")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_token_of_before_is_not_given_again_but_still_verifies() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let before = granted(&world, &token, "storage").await;
    let keys = world.browser().get("/.well-known/jwks.json").await.body;
    world.program.restart().await;
    assert_ne!(
        granted(&world, &token, "storage").await["token"],
        before["token"],
        "they are kept in memory alone"
    );
    assert_eq!(world.browser().get("/.well-known/jwks.json").await.body, keys, "the key is the same");
}

/// Asks once on an open connection. Answers whether the connection may be used again.
async fn ask_once(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.write_all(b"GET /auth/check HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let text = String::from_utf8(bytes).unwrap().to_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{text}");
    Ok(!text.contains("connection: close"))
}

/// Asks without pause, as a proxy does: on connections that it keeps, and on new ones while the service is ready.
async fn ask_until_unready(address: String, unready: watch::Receiver<bool>, total: Arc<AtomicU32>) {
    let mut answered = 0;
    while !*unready.borrow() {
        let mut stream = TcpStream::connect(&address).await.expect("a ready service takes connections");
        loop {
            let again =
                ask_once(&mut stream).await.unwrap_or_else(|error| panic!("after {answered}: {error}"));
            answered += 1;
            total.fetch_add(1, Ordering::Relaxed);
            if !again {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_clients_that_keep_their_connections_lose_no_request_when_the_program_ends() {
    let mut world = World::builder(TestDatabase::sqlite()).setting("DRAIN_DELAY", "3s").start().await;
    let address = world.program.base_url().replace("http://", "");
    let (say, unready) = watch::channel(false);
    let total = Arc::new(AtomicU32::new(0));
    let client = |_| tokio::spawn(ask_until_unready(address.clone(), unready.clone(), Arc::clone(&total)));
    let clients: Vec<_> = (0..16).map(client).collect();
    eventually("there is traffic", async || total.load(Ordering::Relaxed) > 200).await;
    world.program.begin_stop();
    let browser = world.browser();
    eventually("readiness says no", async || browser.get("/readyz").await.status == 503).await;
    say.send_replace(true);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(world.program.ended().await.code(), Some(0));
}

/// The longest that may be set. Whoever ends before it is over has not waited.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

async fn about_to_wait() -> World {
    World::builder(TestDatabase::sqlite()).setting("DRAIN_DELAY", "60s").start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_program_without_waiting_for_anybody() {
    let mut world = about_to_wait().await;
    let begun = Instant::now();
    world.program.interrupt();
    assert_eq!(world.program.ended().await.code(), Some(0));
    assert!(begun.elapsed() < LONGEST_DELAY, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_of_either_kind_ends_the_wait_and_nothing_that_is_under_way() {
    for second in [Program::begin_stop, Program::interrupt] {
        let mut world = about_to_wait().await;
        world.control().set_slow_delay(Duration::from_secs(2));
        let (browser, begun) = (world.browser(), Instant::now());
        world.program.begin_stop();
        eventually("readiness says no", async || browser.get("/readyz").await.status == 503).await;
        assert_eq!(browser.get("/auth/check").await.status, 200, "everything else is still answered");
        let callback = world.reach_callback(&browser, "google", "slow", APP).await;
        let under_way = tokio::spawn(async move { browser.get(callback.as_str()).await });
        let control = world.control();
        let reached = async || control.requests(Provider::Google, Endpoint::Token) == 1;
        eventually("the provider is asked to exchange the code", reached).await;

        second(&world.program);
        assert!(under_way.await.unwrap().location_parameter("jwt").is_some());
        assert_eq!(world.program.ended().await.code(), Some(0));
        assert!(begun.elapsed() < LONGEST_DELAY, "{:?}", begun.elapsed());
        let logs = world.program.logs();
        assert_eq!(logs.matches("service.stopped event").count(), 1, "{logs}");
    }
}
