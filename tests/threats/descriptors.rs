//! K2: the connections that the service itself opens, on behalf of whoever comes.

use std::sync::Arc;

use tokio::task::JoinSet;
use url::Url;
use vestibule_provider_emulator::{Endpoint, Fault, Lasting, Provider};
use vestibule_test_support::{Answer, Client, RawConnection, TestDatabase, eventually};

use crate::world::{APP, World};

/// How many exchanges with one provider may be under way at once.
const PLACES: u64 = 64;

/// Callbacks that are in order but for their codes, which no provider has given.
async fn made_up_callbacks(world: &World, browser: &Client, provider: &str, count: usize) -> Vec<String> {
    let mut callbacks = Vec::new();
    for number in 0..count {
        let consent = world.start_sign_in(browser, provider, APP).await.location();
        let parameter = |name: &str| {
            let found = consent.query_pairs().find(|(known, _)| known == name);
            found.unwrap_or_else(|| panic!("{name} in {consent}")).1.into_owned()
        };
        let mut callback = Url::parse(&parameter("redirect_uri")).unwrap();
        let code = format!("made-up-{number}");
        callback.query_pairs_mut().append_pair("state", &parameter("state")).append_pair("code", &code);
        callbacks.push(callback.into());
    }
    callbacks
}

fn flood(browser: &Arc<Client>, callbacks: Vec<String>) -> JoinSet<Answer> {
    let get = |callback: String| {
        let browser = Arc::clone(browser);
        async move { browser.get(&callback).await }
    };
    callbacks.into_iter().map(get).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_exchanges_with_a_provider_that_hangs_are_bounded_and_whoever_finds_no_place_may_come_again() {
    let world = World::builder(TestDatabase::sqlite()).without_limits().start().await;
    let (control, browser) = (world.control(), Arc::new(world.browser()));
    let honest = world.reach_callback(&browser, "google", "ada", APP).await;
    let callbacks = made_up_callbacks(&world, &browser, "google", 150).await;
    control.reset_counters();
    control.inject(Provider::Google, Endpoint::Token, Fault::Hang, Lasting::UntilCleared);
    let flood = flood(&browser, callbacks);
    let asked = || control.requests(Provider::Google, Endpoint::Token);
    eventually("every place is taken", async || asked() >= PLACES).await;
    let refused = browser.get(honest.as_str()).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.header("retry-after").is_some() && refused.header("location").is_none());
    world.sign_in("github", "grace").await;
    let answers = flood.join_all().await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(303), count(503)), (64, 86));
    assert_eq!(asked(), PLACES, "nobody else was a request to the provider");
    control.clear_faults();
    let again = browser.get(honest.as_str()).await;
    assert!(
        again.location_parameter("jwt").is_some(),
        "a refused callback has spent nothing: {}",
        again.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_neither_callbacks_nor_connections_take_the_descriptors_that_the_service_needs() {
    let world = World::builder(TestDatabase::sqlite()).without_limits().descriptors(512).start().await;
    let token = world.sign_in("google", "linus").await;
    let (control, browser) = (world.control(), Arc::new(world.browser()));
    let mut callbacks = Vec::new();
    for provider in ["google", "github"] {
        callbacks.extend(made_up_callbacks(&world, &browser, provider, 100).await);
    }
    let before = world.program.open_files();
    for provider in [Provider::Google, Provider::Github] {
        control.inject(provider, Endpoint::Token, Fault::Hang, Lasting::UntilCleared);
    }
    control.reset_counters();
    let mut flood = flood(&browser, callbacks);
    for provider in [Provider::Google, Provider::Github] {
        eventually("many are asked", async || control.requests(provider, Endpoint::Token) >= 8).await;
    }
    // Whoever has asked goes away; others come, and say nothing.
    flood.abort_all();
    while flood.join_next().await.is_some() {}
    let mut silent = Vec::new();
    for _ in 0..500 {
        silent.push(RawConnection::open(&world.program.base_url()).await);
    }
    for _ in 0..20 {
        assert_eq!(world.browser().get("/healthz").await.status, 200);
        assert!(world.is_signed_in(&token).await);
    }
    assert_eq!(world.post_as(&token, "/auth/update", &[("username", "linus")]).await.json()["success"], true);
    let logs = world.program.logs();
    assert!(!logs.contains("no connection can be accepted"), "{logs}");
    assert!(world.program.open_files() < 512);
    control.clear_faults();
    drop(silent);
    let at_most = before + 16;
    eventually("nothing of it stays", async || world.program.open_files() <= at_most).await;
}
