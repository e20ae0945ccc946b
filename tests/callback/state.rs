//! The state parameter: used once, by the browser that began, within ten minutes, as we made it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use url::Url;
use vestibule_provider_emulator::Provider;
use vestibule_test_support::{Client, MovableClock, Program, RawConnection, TestDatabase};

use super::{
    EXPIRED, FORGED, MISSING, NO_CODE, NONE, ONE, OTHER_BROWSER, REPLAYED, assert_finishes, assert_refused,
    consented, exchanges, finish_all, get_with, with, without,
};
use crate::sign_in::parameter;
use crate::world::{APP, World, on_both_databases};

on_both_databases! {
    /// The insertion that spends the state succeeds for one of them, before anything is asked of the provider.
    async fn b2_of_fifty_parallel_callbacks_exactly_one_signs_in(database) {
        let world = World::on(database).await;
        let (browser, callback) = consented(&world, "google").await;
        let browser = Arc::new(browser);
        let answers = finish_all(vec![(Arc::clone(&browser), callback.clone()); 50]).await;

        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 303);
        assert_eq!((won.len(), lost.len()), (1, 49));
        assert!(world.is_signed_in(&won[0].location_parameter("jwt").unwrap()).await);
        for answer in &lost {
            assert_refused(answer, REPLAYED);
        }
        assert_eq!(exchanges(&world, Provider::Google), ONE);

        // The back button.
        assert_refused(&browser.get(callback.as_str()).await, REPLAYED);
        assert_eq!(exchanges(&world, Provider::Google), ONE);
    }

    /// The attacker stops after consenting and sends the victim the callback, to have them signed in as somebody else.
    async fn b1_another_browser_can_neither_use_nor_spend_a_callback(database) {
        let world = World::on(database).await;
        let (attacker, callback) = consented(&world, "google").await;

        let no_cookie = world.browser();
        assert_refused(&no_cookie.get(callback.as_str()).await, OTHER_BROWSER);
        assert_eq!(no_cookie.cookie_names(), Vec::<String>::new());

        let (victim, own_callback) = consented(&world, "google").await;
        assert_refused(&victim.get(callback.as_str()).await, OTHER_BROWSER);
        assert_refused(&victim.get(with(&own_callback, "state", &parameter(&callback, "state").unwrap()).as_str()).await, OTHER_BROWSER);

        assert_eq!(exchanges(&world, Provider::Google), NONE);
        assert_finishes(&attacker, &callback).await;
        assert_finishes(&victim, &own_callback).await;
    }

    async fn b2_a_used_state_stays_used_after_a_restart(database) {
        let mut world = World::on(database).await;
        let (browser, callback) = consented(&world, "google").await;
        assert_finishes(&browser, &callback).await;
        world.program.restart().await;
        assert_refused(&browser.get(callback.as_str()).await, REPLAYED);
        assert_eq!(exchanges(&world, Provider::Google), ONE);
    }
}

/// One more process behind the same address: the same database, keys and providers.
async fn start_replica(world: &World, database_url: &str) -> Program {
    let google = world.emulator.google_client();
    Program::builder()
        .setting("DATABASE_URL", database_url)
        .setting("KEYS_DIR", &world.program.keys_dir().display().to_string())
        .setting("EXTERNAL_ADDRESS", &world.program.base_url())
        .setting("ALLOWED_ORIGINS", "https://app.example.com")
        .setting("GOOGLE_ISSUER", &world.emulator.google_issuer())
        .setting("GOOGLE_KEY", &google.id)
        .setting("GOOGLE_SECRET", &google.secret)
        .start()
        .await
}

/// The same callback, as the load balancer hands it to another replica.
fn at(replica: &Program, callback: &Url) -> Url {
    let mut moved = callback.clone();
    moved.set_port(replica.base_url().parse::<Url>().unwrap().port()).unwrap();
    moved
}

on_both_databases! {
    async fn b2_two_replicas_agree_on_who_was_first(database) {
        let url = database.url().to_owned();
        let world = World::on(database).await;
        let replica = start_replica(&world, &url).await;
        let (browser, callback) = consented(&world, "google").await;
        let browser = Arc::new(browser);
        let callbacks = vec![[callback.clone(), at(&replica, &callback)]; 10];
        let answers = finish_all(callbacks.into_iter().flatten().map(|url| (Arc::clone(&browser), url)).collect()).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 303);
        assert_eq!((won.len(), lost.len()), (1, 19));
        for answer in &lost {
            assert_refused(answer, REPLAYED);
        }
        assert_eq!(exchanges(&world, Provider::Google), ONE);
        assert!(world.is_signed_in(&won[0].location_parameter("jwt").unwrap()).await);
    }

    async fn l10_a_sign_in_begun_at_one_replica_is_finished_at_another(database) {
        let url = database.url().to_owned();
        let world = World::on(database).await;
        let replica = start_replica(&world, &url).await;
        let (browser, callback) = consented(&world, "google").await;
        assert_finishes(&browser, &at(&replica, &callback)).await;
        assert_refused(&browser.get(callback.as_str()).await, REPLAYED);
    }
}

/// The state is sealed with the key that signs; an earlier key still opens what it sealed.
#[tokio::test(flavor = "multi_thread")]
async fn m2_a_sign_in_begun_before_a_rotation_is_finished_after_it() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    assert!(world.program.run(&["keys", "rotate"]).await.status.success());
    world.program.restart().await;
    assert_finishes(&browser, &callback).await;
}

/// What a browser carries across a restart, or to another replica, is all there is to a sign-in under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_begun_before_a_restart_is_finished_after_it() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "github").await;
    world.program.restart().await;
    assert_finishes(&browser, &callback).await;
}

/// A neighbour on the same site can plant a cookie of any name; then nobody knows whose browser it is.
#[tokio::test(flavor = "multi_thread")]
async fn b1_a_planted_second_cookie_signs_nobody_in() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (attacker, callback) = consented(&world, "google").await;
    let (victim, _) = consented(&world, "google").await;
    let pair =
        |browser: &Client| format!("vestibule-sign-in={}", browser.cookie("vestibule-sign-in").unwrap());
    for cookies in [
        format!("{}; {}", pair(&attacker), pair(&victim)),
        format!("{}; {}", pair(&victim), pair(&attacker)),
        "vestibule-sign-in=".to_owned(),
        "vestibule-sign-in=AAAA".to_owned(),
        format!("vestibule-sign-in={}", "A".repeat(43)),
        format!("other={}", attacker.cookie("vestibule-sign-in").unwrap()),
    ] {
        assert_refused(&get_with(&callback, &[("cookie", &cookies)]).await, OTHER_BROWSER);
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&attacker, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_state_changed_anywhere_is_forged() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    let state = parameter(&callback, "state").unwrap();
    assert!(state.len() > 100 && state.is_ascii(), "{state}");
    for at in 0..state.len() {
        let other = if &state[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &state[..at], &state[at + 1..]);
        assert_refused(&browser.get(with(&callback, "state", &changed).as_str()).await, FORGED);
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_whatever_is_not_our_state_is_forged() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("github", "ada").await;
    let (browser, callback) = consented(&world, "google").await;
    let state = parameter(&callback, "state").unwrap();
    let half = state.len() / 2;
    for forged in [
        &state[..state.len() - 1],
        &state[1..],
        &state[..half],
        &format!("{state}A"),
        &format!("{state}="),
        &format!("{state}{state}"),
        &format!(" {state}"),
        &format!("{state}\0"),
        &format!("{}{}", &state[half..], &state[..half]),
        "x",
        ".",
        "..",
        "null",
        "{}",
        "\u{feff}",
        "eyJhbGciOiJub25lIn0.eyJwIjoiZ29vZ2xlIiwibiI6Imh0dHBzOi8vZXZpbC50bGQvIn0.",
        &token,
        &browser.cookie("vestibule-sign-in").unwrap(),
        &"A".repeat(10_000),
    ] {
        assert_refused(&browser.get(with(&callback, "state", forged).as_str()).await, FORGED);
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// Both run the same program with keys of their own; a browser that uses both has a cookie that both could read.
#[tokio::test(flavor = "multi_thread")]
async fn b3_the_state_of_another_deployment_is_forged() {
    let (here, there) = tokio::join!(World::on(TestDatabase::sqlite()), World::on(TestDatabase::sqlite()));
    let (browser, callback) = consented(&here, "google").await;
    let foreign = there.reach_callback(&browser, "google", "ada", APP).await;
    let foreign_state = parameter(&foreign, "state").unwrap();
    assert_refused(&browser.get(with(&callback, "state", &foreign_state).as_str()).await, FORGED);
    assert_eq!(exchanges(&here, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_state_expires_after_ten_minutes() {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(TestDatabase::sqlite()).clock(&clock).start().await;

    let (late, late_callback) = consented(&world, "github").await;
    clock.advance(Duration::from_secs(601));
    assert_refused(&late.get(late_callback.as_str()).await, EXPIRED);
    assert_eq!(exchanges(&world, Provider::Github), NONE);

    // Half a minute is left for the test itself.
    let (early, early_callback) = consented(&world, "github").await;
    clock.advance(Duration::from_secs(570));
    assert_finishes(&early, &early_callback).await;
}

/// A spent state stays refused when it is too old to be remembered.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_used_state_is_no_better_once_it_has_expired() {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(TestDatabase::sqlite()).clock(&clock).start().await;
    let (browser, callback) = consented(&world, "github").await;
    assert_finishes(&browser, &callback).await;
    clock.advance(Duration::from_secs(24 * 3600));
    assert_refused(&browser.get(callback.as_str()).await, EXPIRED);
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_callback_that_lacks_something_says_what_and_spends_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    for (incomplete, why) in [
        (without(&callback, "state"), MISSING),
        (with(&callback, "state", ""), MISSING),
        (without(&callback, "code"), NO_CODE),
        (with(&callback, "code", ""), NO_CODE),
        (with(&without(&callback, "code"), "error", ""), NO_CODE),
        (callback.join("/auth/oauth_callback").unwrap(), MISSING),
    ] {
        assert_refused(&browser.get(incomplete.as_str()).await, why);
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_a_parameter_given_twice_spends_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    for name in ["state", "code"] {
        for value in [parameter(&callback, name).unwrap(), "x".to_owned(), String::new()] {
            let mut twice = callback.clone();
            twice.query_pairs_mut().append_pair(name, &value);
            assert_refused(&browser.get(twice.as_str()).await, "This address cannot be used");
        }
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// What no provider would send is not sent to one.
#[tokio::test(flavor = "multi_thread")]
async fn b10_an_endless_code_spends_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    let mut long = callback.clone();
    let fields = [("state", parameter(&callback, "state").unwrap()), ("code", "x".repeat(4097))];
    long.query_pairs_mut().clear().extend_pairs(fields);
    assert_refused(&browser.get(long.as_str()).await, "The answer of the provider cannot be read");
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// Browsers fetch ahead, link scanners ask for headers, and some frontends post.
#[tokio::test(flavor = "multi_thread")]
async fn b10_only_a_navigation_spends_a_callback() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    let address = callback.as_str();

    let head = browser.send(browser.request(Method::HEAD, address)).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (400, ""));
    assert!(head.header("location").is_none());
    for (name, value) in
        [("Sec-Purpose", "prefetch"), ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch")]
    {
        let ahead = browser.send(browser.request(Method::GET, address).header(name, value)).await;
        assert_refused(&ahead, "This page was loaded ahead of time");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = browser.send(browser.request(method.clone(), address)).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
        assert!(answer.header("location").is_none());
    }
    let fields: Vec<_> = callback.query_pairs().into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.post_form("/auth/oauth_callback", &fields).await.status, 405);

    // Longer than any HTTP library would send.
    let target = format!("{}?{}", callback.path(), callback.query().unwrap());
    let request =
        format!("GET {target}{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "x".repeat(100_000));
    let long = RawConnection::exchange(&world.program.base_url(), request).await.statuses();
    assert!(matches!(long[..], [400 | 414 | 431]), "{long:?}");

    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}
