//! The state parameter: used once, by the browser that began, within ten minutes, as we made it.

use std::sync::Arc;

use url::Url;
use vestibule_provider_emulator::Provider;
use vestibule_test_support::{
    Program, RawConnection, TestDatabase, assert_refusal_page, parameter, with_parameter,
};

use super::{FORGED, NONE, ONE, REPLAYED, assert_finishes, consented, exchanges, finish_all};
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
            assert_refusal_page(answer, REPLAYED);
        }
        assert_eq!(exchanges(&world, Provider::Google), ONE);

        // The back button.
        assert_refusal_page(&browser.get(callback.as_str()).await, REPLAYED);
        assert_eq!(exchanges(&world, Provider::Google), ONE);
    }

    async fn b2_a_used_state_stays_used_after_a_restart(database) {
        let mut world = World::on(database).await;
        let (browser, callback) = consented(&world, "google").await;
        assert_finishes(&browser, &callback).await;
        world.program.restart().await;
        assert_refusal_page(&browser.get(callback.as_str()).await, REPLAYED);
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
            assert_refusal_page(answer, REPLAYED);
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
        assert_refusal_page(&browser.get(callback.as_str()).await, REPLAYED);
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

/// Both run the same program with keys of their own; a browser that uses both has a cookie that both could read.
#[tokio::test(flavor = "multi_thread")]
async fn b3_the_state_of_another_deployment_is_forged() {
    let (here, there) = tokio::join!(World::on(TestDatabase::sqlite()), World::on(TestDatabase::sqlite()));
    let (browser, callback) = consented(&here, "google").await;
    let foreign = there.reach_callback(&browser, "google", "ada", APP).await;
    let foreign_state = parameter(&foreign, "state").unwrap();
    assert_refusal_page(
        &browser.get(with_parameter(&callback, "state", &foreign_state).as_str()).await,
        FORGED,
    );
    assert_eq!(exchanges(&here, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// Longer than any HTTP library would send.
#[tokio::test(flavor = "multi_thread")]
async fn b10_an_address_without_end_spends_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    let target = format!("{}?{}", callback.path(), callback.query().unwrap());
    let request =
        format!("GET {target}{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "x".repeat(100_000));
    let long = RawConnection::exchange(&world.program.base_url(), request).await.statuses();
    assert!(matches!(long[..], [400 | 414 | 431]), "{long:?}");
    assert_eq!(exchanges(&world, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}
