//! The PostgreSQL server fails.

use vestibule_test_support::{Shutdown, TestCluster, eventually};

use super::stage::{Stage, assert_refused_for_now};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn l6_postgres_is_stopped_and_started() {
    stopped(Shutdown::Fast, "stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_postgres_is_killed_and_started() {
    stopped(Shutdown::Kill, "killed").await;
}

async fn stopped(how: Shutdown, fault: &str) {
    let mut cluster = TestCluster::start_durable();
    let stage = Stage::on(cluster.create_database()).await;
    cluster.stop(how);
    stage.assert_database_is_missed(fault).await;
    cluster.start_again();
    stage.assert_heals(fault).await;
    stage.assert_callback_is_still_good().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_postgres_is_restarted_under_requests() {
    let mut cluster = TestCluster::start_durable();
    let stage = Stage::on(cluster.create_database()).await;
    let restarting = tokio::task::spawn_blocking(move || {
        cluster.restart(Shutdown::Immediate);
        cluster
    });
    while !restarting.is_finished() {
        stage.check_often(50).await.assert_only(&[200, 503], "restarted");
    }
    let _cluster = restarting.await.expect("it is back");
    stage.assert_heals("restarted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_postgres_stands_still() {
    let cluster = TestCluster::start();
    let stage = Stage::on(cluster.create_database()).await;
    let memory = stage.world.program.resident_memory();
    cluster.freeze();
    stage.assert_database_is_missed("frozen").await;
    // By now it is known: nobody waits any more.
    stage.assert_database_is_missed("frozen for a while").await;
    let grown = stage.world.program.resident_memory().saturating_sub(memory);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more than before");
    cluster.thaw();
    stage.assert_heals("frozen").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_postgres_is_down_at_the_start() {
    let mut cluster = TestCluster::start();
    let database = cluster.create_database();
    cluster.stop(Shutdown::Fast);
    let builder = World::builder(database);
    let address = builder.base_url().replace("http://", "");
    let starting = tokio::spawn(Stage::set(builder));
    eventually("the program has begun", async || tokio::net::TcpStream::connect(&address).await.is_ok())
        .await;
    assert!(!starting.is_finished(), "it waits");
    cluster.start_again();
    let stage = starting.await.expect("it starts when the database is there");
    assert!(stage.is_signed_in().await);
}

/// A server that follows another answers questions and takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn l8_postgres_turns_read_only() {
    let cluster = TestCluster::start();
    let stage = Stage::on(cluster.create_database()).await;
    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.execute("SELECT pg_reload_conf()");
    let readiness = async || stage.world.browser().get("/readyz").await.status;
    eventually("the service is not ready", async || readiness().await == 503).await;
    assert_refused_for_now(&stage.writes().await, "read-only");
    assert_refused_for_now(&stage.world.post_as(&stage.token, "/auth/logout", &[]).await, "read-only");
    assert!(stage.is_signed_in().await, "reading goes on");
    stage.assert_the_rest_is_well("read-only").await;

    cluster.execute("ALTER SYSTEM RESET default_transaction_read_only");
    cluster.execute("SELECT pg_reload_conf()");
    stage.assert_heals("read-only").await;
    stage.assert_callback_is_still_good().await;
}

/// Makes every third insert into a table fail. A sequence counts, because it does not roll back.
const FAILING: &str = "CREATE SEQUENCE tries; \
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
      CASE nextval('tries') % 3 \
        WHEN 0 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40P01'; \
        WHEN 1 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; \
        ELSE RETURN NEW; END CASE; END $$; \
    CREATE TRIGGER fail BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION fail(); \
    CREATE TRIGGER fail BEFORE INSERT ON spent_attempts FOR EACH ROW EXECUTE FUNCTION fail()";

#[tokio::test(flavor = "multi_thread")]
async fn l9_postgres_asks_for_repetition_after_deadlocks_and_serialization_failures() {
    let stage = Stage::on(vestibule_test_support::TestDatabase::postgres()).await;
    stage.world.database.execute(FAILING);
    for persona in ["ada", "linus", "grace"] {
        let token = stage.world.sign_in("google", persona).await;
        assert!(stage.world.is_signed_in(&token).await);
    }
    stage.world.database.assert_consistent();
}
