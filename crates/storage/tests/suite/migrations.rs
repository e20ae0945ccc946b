//! The schema is brought up to date once, whoever comes first, and never down.

use vestibule_storage::StorageError;
use vestibule_test_support::TestDatabase;

use crate::bench::{all_at_once, connect, on_both_databases, person};
use crate::consistency::{count, execute};

on_both_databases! {
    async fn l11_a_second_migration_finds_nothing_to_do(bench: &Bench) {
        assert!(bench.storage.migrate().await.unwrap().is_empty());
        assert!(bench.replica().migrate().await.unwrap().is_empty());
        bench.storage.ping().await.unwrap();
    }

    async fn l11_a_schema_from_the_future_is_refused_and_left_alone(bench: &Bench) {
        let url = bench.database.url();
        let known = count(url, "SELECT count(*) AS n FROM schema_migrations").await;
        execute(url, "INSERT INTO schema_migrations (version, name) VALUES (999, '0999_future')").await;
        let refused = bench.replica().migrate().await.unwrap_err();
        assert!(matches!(refused, StorageError::SchemaTooNew { found: 999, known: 1.. }), "{refused}");
        assert!(!refused.is_unavailable());
        assert_eq!(count(url, "SELECT count(*) AS n FROM schema_migrations").await, known + 1);
        // A replica that runs already goes on until it is replaced.
        bench.storage.ping().await.unwrap();
        assert!(bench.sign_in(&person("https://issuer.example", "1")).await.is_new);
    }
}

async fn five_processes_migrate(database: TestDatabase) {
    let migrate = |_| {
        let storage = connect(&database);
        async move { storage.migrate().await.unwrap() }
    };
    let applied = all_at_once((0..5).map(migrate).collect()).await;
    let mut names: Vec<_> = applied.into_iter().flatten().collect();
    names.sort();
    let history = count(database.url(), "SELECT count(*) AS n FROM schema_migrations").await;
    assert_eq!(i64::try_from(names.len()).unwrap(), history);
    names.dedup();
    assert_eq!(i64::try_from(names.len()).unwrap(), history);
    connect(&database).ping().await.unwrap();
}

async fn an_empty_database_is_not_ready(database: TestDatabase) {
    let storage = connect(&database);
    let found = storage.ping().await.unwrap_err();
    assert!(matches!(found, StorageError::SchemaTooOld { found: 0, known: 1.. }), "{found}");
    storage.migrate().await.unwrap();
    storage.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_five_processes_that_migrate_an_empty_sqlite_file_at_once_apply_each_step_once() {
    five_processes_migrate(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_five_processes_that_migrate_an_empty_postgres_database_at_once_apply_each_step_once() {
    five_processes_migrate(TestDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_sqlite_database_is_not_ready() {
    an_empty_database_is_not_ready(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_postgres_database_is_not_ready() {
    an_empty_database_is_not_ready(TestDatabase::postgres()).await;
}
