//! The PostgreSQL server is replaced by the one that followed it. What was acknowledged before is there afterwards.

use vestibule_test_support::{Relay, Shutdown, TestCluster};

use super::stage::Stage;
use crate::world::World;

/// Two servers, of which the second follows the first.
async fn two_servers() -> (TestCluster, TestCluster) {
    let start = || {
        let first = TestCluster::start();
        let second = first.start_standby();
        (first, second)
    };
    tokio::task::spawn_blocking(start).await.expect("two servers")
}

#[tokio::test(flavor = "multi_thread")]
async fn l8_the_first_server_dies_and_the_second_in_the_same_address_is_promoted() {
    let (mut first, second) = two_servers().await;
    let database = first.create_database();
    let name = database.url().rsplit('/').next().unwrap();
    let address = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}?target_session_attrs=read-write",
        first.port(),
        second.port()
    );
    let stage = Stage::set(World::builder(database).setting("DATABASE_URL", &address)).await;
    first.stop(Shutdown::Kill);
    stage.assert_database_is_missed("first server dead").await;
    second.promote();
    assert_goes_on_with(stage, &second, "second server promoted").await;
}

/// The first one is still there and takes connections, but says nothing: a machine that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn l8_the_first_server_hangs_and_a_proxy_leads_to_the_second() {
    let (first, second) = two_servers().await;
    let database = first.create_database();
    let relay = Relay::to(first.port()).await;
    let address = relay.before(database.url());
    let stage = Stage::set(World::builder(database).setting("DATABASE_URL", &address)).await;
    first.freeze();
    stage.assert_database_is_missed("first server hangs").await;
    second.promote();
    relay.lead_to(second.port());
    assert_goes_on_with(stage, &second, "led to the second server").await;
}

async fn assert_goes_on_with(mut stage: Stage, second: &TestCluster, fault: &str) {
    stage.world.database = second.adopt(&stage.world.database);
    stage.assert_heals(fault).await;
    assert!(stage.is_signed_in().await, "the session of before the fail-over is there");
}
