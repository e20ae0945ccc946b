//! What a server that logs every statement with its values gets to see.

use vestibule_test_support::TestCluster;

use super::{Canaries, every_flow, loudest};

/// Of a token the database knows which session it is of; of a sign-in, that it is over. Neither could be used by whoever
/// reads the server's log.
#[tokio::test(flavor = "multi_thread")]
async fn n5_a_postgres_log_of_all_statements_with_their_values_has_no_secret() {
    let cluster = TestCluster::start();
    for setting in ["log_statement = 'all'", "log_parameter_max_length = -1"] {
        cluster.execute(&format!("ALTER SYSTEM SET {setting}"));
    }
    cluster.execute("SELECT pg_reload_conf()");
    let world = loudest(cluster.create_database(), "json").start().await;
    let mut canaries = Canaries::of_settings(&world);
    every_flow::run(&world, &mut canaries).await;
    let log = cluster.log();
    assert!(
        log.contains("audit_events") && log.contains("k4n4ry.canary@mail.example"),
        "the log is loud: {log}"
    );
    canaries.without_people().assert_absent("the log of PostgreSQL", &log);
}
