//! The way to the PostgreSQL server fails.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;
use vestibule_test_support::{Network, Relay, TestDatabase};

use super::stage::Stage;
use crate::world::World;

async fn behind_a_relay() -> (Relay, Stage) {
    let database = TestDatabase::postgres();
    let port = Url::parse(database.url()).unwrap().port().expect("a port");
    let relay = Relay::to(port).await;
    let address = relay.before(database.url());
    let stage = Stage::set(World::builder(database).setting("DATABASE_URL", &address)).await;
    (relay, stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_the_network_to_postgres_swallows_everything() {
    let (relay, stage) = behind_a_relay().await;
    relay.set(Network::BlackHole);
    stage.assert_database_is_missed("black hole").await;
    stage.assert_database_is_missed("black hole for a while").await;
    relay.set(Network::Good);
    stage.assert_heals("black hole").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_the_network_to_postgres_breaks_every_connection_off() {
    let (relay, stage) = behind_a_relay().await;
    relay.set(Network::Reset);
    stage.assert_database_is_missed("reset").await;
    relay.set(Network::Good);
    stage.assert_heals("reset").await;
    stage.assert_callback_is_still_good().await;
}

/// As when a firewall forgets them. The first who asks pays with one time limit, and nobody after that.
#[tokio::test(flavor = "multi_thread")]
async fn l7_the_network_to_postgres_forgets_the_connections_that_are_open() {
    let (relay, stage) = behind_a_relay().await;
    // So that there are many.
    stage.check_often(100).await.assert_only(&[200], "before");
    relay.forget_connections();
    let begun = Instant::now();
    stage.check_often(30).await.assert_only(&[200, 503], "forgotten");
    stage.assert_heals("forgotten").await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    stage.check_often(30).await.assert_only(&[200], "afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_the_network_to_postgres_is_slow() {
    let (relay, stage) = behind_a_relay().await;
    relay.set(Network::Slow(Duration::from_millis(50)));
    let answers = stage.check_often(20).await;
    answers.print("slow");
    answers.assert_only(&[200], "slow is not away");
    relay.set(Network::Good);
    stage.assert_heals("slow").await;
}
