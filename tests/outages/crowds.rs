//! The database is there, but others are in the way.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::{TestCluster, TestDatabase, eventually};

use super::stage::{LIMIT, Stage, assert_refused_for_now};
use crate::world::{APP, World};

#[tokio::test(flavor = "multi_thread")]
async fn l6_other_clients_hold_every_connection_that_postgres_has() {
    let cluster = TestCluster::start_with_room_for(12);
    let stage = Stage::on(cluster.create_database()).await;
    let crowd = cluster.occupy().await;
    assert!(crowd.size() > 0);
    // Whatever the service holds it shares out.
    let answers = stage.check_often(200).await;
    answers.print("crowded");
    answers.assert_only(&[200, 503], "crowded");
    assert!(answers.count(200) > 0, "its own connections still serve");
    drop(crowd);
    stage.assert_heals("crowded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_the_service_has_lost_its_connections_to_other_clients() {
    let cluster = TestCluster::start_with_room_for(12);
    let stage = Stage::on(cluster.create_database()).await;
    let mut crowd = cluster.occupy().await;
    // The connection that listens for changes comes back by itself and may win a place.
    eventually("every place is taken", async || {
        crowd.displace(&stage.world.database).await;
        crowd.size() == 12
    })
    .await;
    stage.assert_database_is_missed("crowded out").await;
    drop(crowd);
    stage.assert_heals("crowded out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_every_connection_of_the_service_waits_for_somebody_s_lock() {
    let stage =
        Stage::set(World::builder(TestDatabase::postgres()).setting("DATABASE_CONNECTIONS", "3")).await;
    let lock = stage.world.database.lock_tables("users, sessions, spent_attempts").await;
    let answers = stage.check_often(200).await;
    answers.print("pool exhausted");
    answers.assert_only(&[503], "pool exhausted");
    stage.assert_the_rest_is_well("pool exhausted").await;
    drop(lock);
    stage.assert_heals("pool exhausted").await;
    let logs = stage.world.program.logs();
    assert!(!logs.contains("the database server does not answer"), "a slow statement is no absence");
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_another_process_holds_sqlite_s_write_lock() {
    let stage = Stage::on(TestDatabase::sqlite()).await;
    let lock = stage.world.database.lock_for_writing();
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..20 {
        let browser = stage.world.browser();
        let form = [("jwt", stage.token.clone()), ("username", "ada".to_owned())];
        writers.spawn(async move {
            let begun = Instant::now();
            (
                browser.send(browser.request(reqwest::Method::POST, "/auth/update").form(&form)).await,
                begun.elapsed(),
            )
        });
    }
    while !writers.is_empty() {
        assert!(stage.is_signed_in().await, "reading goes on");
        while let Some(written) = writers.try_join_next() {
            let (answer, took) = written.unwrap();
            assert_refused_for_now(&answer, "locked");
            assert!(took < LIMIT, "{took:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!("locked: 20 writers were refused within {} ms", begun.elapsed().as_millis());
    stage.assert_the_rest_is_well("locked").await;
    drop(lock);
    stage.assert_heals("locked").await;
    stage.assert_callback_is_still_good().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_two_hundred_writers_at_once_share_sqlite() {
    two_hundred_writers(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_two_hundred_writers_at_once_share_postgres() {
    two_hundred_writers(TestDatabase::postgres()).await;
}

/// One is enough on a machine with nothing else to do.
const MOST_ROUNDS: usize = 12;

/// Lets all these people arrive at the callback at the same moment. Those who are to come again.
async fn sign_in_at_once(stage: &Stage, people: Vec<String>) -> Vec<String> {
    let mut callbacks = Vec::new();
    for id in people {
        let browser = stage.world.browser();
        callbacks.push((stage.world.reach_callback(&browser, "google", &id, APP).await, browser, id));
    }
    let mut writers = JoinSet::new();
    for (callback, browser, id) in callbacks {
        writers.spawn(async move { (browser.get(callback.as_str()).await, id) });
    }
    let mut refused = Vec::new();
    for (answer, id) in writers.join_all().await {
        if answer.status == 303 {
            assert!(answer.location_parameter("jwt").is_some(), "{id}: {}", answer.location());
        } else {
            assert_refused_for_now(&answer, "200 writers");
            refused.push(id);
        }
    }
    refused
}

/// A slow disk, or a busy machine, lets some wait too long. They are told so, and when they sign in again they get in.
async fn two_hundred_writers(database: TestDatabase) {
    let stage = Stage::on(database).await;
    let mut outside: Vec<_> = (0..200).map(|number| format!("writer-{number}")).collect();
    for (number, id) in (1..).zip(&outside) {
        stage.world.control().put_persona(Persona::ordinary(id, &format!("Writer {number}"), number));
    }
    let mut done = 0;
    for round in 1..=MOST_ROUNDS {
        outside = sign_in_at_once(&stage, outside).await;
        done = 200 - outside.len();
        eprintln!("round {round} of 200 sign-ins at once: {done} done so far");
        if outside.is_empty() {
            break;
        }
    }
    assert_eq!(outside, [""; 0], "still outside");
    let sessions = stage.world.database.count("SELECT count(*) AS n FROM sessions");
    assert!(sessions > i64::try_from(done).unwrap(), "{sessions} sessions, {done} acknowledged");
    eventually("the service is ready", async || stage.world.browser().get("/readyz").await.status == 200)
        .await;
    stage.world.database.assert_consistent();
}
