//! Faults of the server and of the way to it.

use vestibule_domain::{AttemptId, SystemRandom};
use vestibule_storage::{DatabaseUrl, Storage, StorageOptions};
use vestibule_test_support::{Shutdown, TestCluster, TestDatabase, eventually};

use crate::bench::{
    Bench, GITHUB, GOOGLE, HOUR, at, connect, event, on_database, person, signed_in, try_sign_in, verified,
};
use crate::consistency::{count, execute, raw_postgres};

/// A migrated database on a server of the test's own.
async fn own_server() -> (TestCluster, Bench) {
    let cluster = tokio::task::spawn_blocking(TestCluster::start).await.expect("a server");
    let database = cluster.create_database();
    let bench = Bench { storage: connect(&database), database };
    bench.storage.migrate().await.expect("an empty database");
    (cluster, bench)
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_a_server_that_dies_costs_answers_and_heals_when_it_is_back() {
    let (mut cluster, bench) = own_server().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    cluster.stop(Shutdown::Kill);
    eventually("the loss is noticed", async || bench.storage.ping().await.is_err()).await;
    let refused =
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");

    cluster.start_again();
    eventually("the server is back", async || bench.storage.ping().await.is_ok()).await;
    assert!(bench.is_live(&ada, at(1)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_a_server_that_stands_still_costs_an_answer_not_a_wait_for_ever() {
    let (cluster, bench) = own_server().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    cluster.freeze();
    let known_connection =
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
    assert!(known_connection.is_unavailable(), "{known_connection:?}");
    let new_connection = bench.replica().ping().await.unwrap_err();
    assert!(new_connection.is_unavailable(), "{new_connection:?}");
    cluster.thaw();
    eventually("the server moves again", async || bench.storage.ping().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l8_a_server_that_turned_read_only_is_not_ready_until_it_takes_writes() {
    let (cluster, bench) = own_server().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.execute("SELECT pg_reload_conf()");
    eventually("the server is read-only", async || bench.storage.ping().await.is_err()).await;
    let refused =
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
    assert!(bench.is_live(&ada, at(1)).await, "reading goes on");

    cluster.execute("ALTER SYSTEM RESET default_transaction_read_only");
    cluster.execute("SELECT pg_reload_conf()");
    eventually("the server takes writes", async || bench.storage.ping().await.is_ok()).await;
    eventually("old connections do too", async || {
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.is_ok()
    })
    .await;
}

/// Makes the first so many inserts into a table fail. A sequence counts, because it does not roll back.
fn failing_inserts(table: &str, times: u32, code: &str) -> String {
    format!(
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '{code}'; END IF; \
           RETURN NEW; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail();"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn l9_a_serialization_failure_repeats_the_whole_transaction() {
    on_database(TestDatabase::postgres(), async |bench| {
        execute(bench.database.url(), &failing_inserts("sessions", 3, "40001")).await;
        assert!(bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.is_new);
        assert_eq!(bench.count_users().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l9_a_deadlock_repeats_the_whole_transaction() {
    on_database(TestDatabase::postgres(), async |bench| {
        execute(bench.database.url(), &failing_inserts("sessions", 2, "40P01")).await;
        assert!(bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.is_new);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l9_a_failure_that_does_not_pass_ends_after_three_repetitions() {
    on_database(TestDatabase::postgres(), async |bench| {
        execute(bench.database.url(), &failing_inserts("spent_attempts", 4, "40001")).await;
        let attempt = AttemptId::random(&SystemRandom);
        let refused = bench.storage.spend_attempt(&attempt, at(HOUR)).await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused:?}");
        assert!(bench.storage.spend_attempt(&attempt, at(HOUR)).await.unwrap(), "nothing was spent");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_a_table_that_somebody_locked_costs_an_answer_not_the_service() {
    on_database(TestDatabase::postgres(), async |bench| {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        let other = raw_postgres(bench.database.url()).await;
        other.batch_execute("BEGIN; LOCK TABLE sessions").await.unwrap();
        let refused =
            bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused:?}");
        other.batch_execute("ROLLBACK").await.unwrap();
        assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_a_server_that_is_not_there_yet_does_not_stop_the_start() {
    let url = DatabaseUrl::parse("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    let storage = Storage::connect(&url, &StorageOptions::default()).unwrap();
    assert!(storage.migrate().await.unwrap_err().is_unavailable());
    assert!(storage.ping().await.unwrap_err().is_unavailable());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_work_than_connections_waits_its_turn() {
    on_database(TestDatabase::postgres(), async |bench| {
        let url = DatabaseUrl::parse(bench.database.url()).unwrap();
        let options = StorageOptions { max_connections: 1 };
        let storage = Storage::connect(&url, &options).unwrap();
        let spend = |_| {
            let storage = storage.clone();
            async move { storage.spend_attempt(&AttemptId::random(&SystemRandom), at(HOUR)).await.unwrap() }
        };
        let spent = crate::bench::all_at_once((0..50).map(spend).collect()).await;
        assert!(spent.into_iter().all(|won| won));
    })
    .await;
}

/// What happens between the look at an address and the lock on its holder, made to happen there.
#[tokio::test(flavor = "multi_thread")]
async fn c4_an_address_that_is_given_up_while_a_sign_in_waits_for_its_holder_joins_nobody() {
    on_database(TestDatabase::postgres(), async |bench| {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "old@example.org")).await.user;
        let holder = raw_postgres(bench.database.url()).await;
        holder.batch_execute("BEGIN; UPDATE users SET email = 'new@example.org'").await.unwrap();

        let storage = bench.storage.clone();
        let next = tokio::spawn(async move {
            try_sign_in(&storage, &verified(GITHUB, "2", "old@example.org"), |_| {}).await
        });
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the sign-in waits for the lock", async || {
            count(bench.database.url(), waiting).await == 1
        })
        .await;
        holder
            .batch_execute(
                "UPDATE identities SET email = 'new@example.org'; \
                 UPDATE verified_emails SET address = 'new@example.org'; COMMIT",
            )
            .await
            .unwrap();

        let next = signed_in(next.await.unwrap());
        assert!(next.is_new);
        assert_ne!(next.user.id, ada.id);
    })
    .await;
}
