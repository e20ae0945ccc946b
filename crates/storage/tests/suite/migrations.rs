//! The schema is brought up to date once, whoever comes first, and never down.

use vestibule_domain::{SessionId, UserId};
use vestibule_storage::StorageError;
use vestibule_test_support::TestDatabase;

use crate::bench::{all_at_once, at, connect, event, on_both_databases, person};
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

/// The schema as version 5 has left it.
async fn apply_five_steps(database: &TestDatabase) {
    let changes = if database.file().is_some() {
        include_str!("../../migrations/0004_changes.sqlite.sql")
    } else {
        include_str!("../../migrations/0004_changes.postgres.sql")
    };
    let steps = [
        "CREATE TABLE schema_migrations (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
        "INSERT INTO schema_migrations VALUES (1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')",
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_statements.sql"),
        include_str!("../../migrations/0003_roles.sql"),
        changes,
        include_str!("../../migrations/0005_audit.sql"),
    ];
    for step in steps {
        execute(database.url(), step).await;
    }
}

/// Sessions of two users: which of them were alive before, by the moment that version 5 compares.
const SESSIONS_BEFORE: [(&str, &str, i64, bool); 6] = [
    ("over", "ada", 49, false),
    ("at-that-moment", "ada", 50, true),
    ("later", "ada", 51, true),
    ("of-an-hour-to-come", "ada", 3_600, true),
    ("nothing-was-ended", "grace", 1, true),
    ("revoked", "grace", 2, false),
];

async fn sessions_are_taken_over(database: TestDatabase) {
    apply_five_steps(&database).await;
    let moment = at(50).micros();
    let users = format!("('ada', '{{}}', 0, {moment}), ('grace', '{{}}', 0, 0)");
    let columns = "users (id, attributes, join_date, tokens_valid_after)";
    execute(database.url(), &format!("INSERT INTO {columns} VALUES {users}")).await;
    for user in ["ada", "grace"] {
        let columns = "identities (issuer, subject, user_id, email_verified, last_used_at, provider)";
        let values = format!("'https://accounts.google.com', 'of-{user}', '{user}', false, 0, 'google'");
        execute(database.url(), &format!("INSERT INTO {columns} VALUES ({values})")).await;
    }
    for (id, user, begun, _) in SESSIONS_BEFORE {
        let (begun, ends) = (at(begun).micros(), at(90_000).micros());
        let revoked = if id == "revoked" { "1" } else { "NULL" };
        let values =
            format!("'{id}', '{user}', 'google:of-{user}', {begun}, {begun}, {ends}, {revoked}, NULL, NULL");
        execute(database.url(), &format!("INSERT INTO sessions VALUES ({values})")).await;
    }
    let storage = connect(&database);
    let applied = storage.migrate().await.unwrap();
    assert_eq!(applied.first().map(String::as_str), Some("0006_generations"));
    for (id, user, _, is_alive) in SESSIONS_BEFORE {
        let (session, user) = (SessionId::parse(id).unwrap(), UserId::parse(user).unwrap());
        let found = storage.find_live_session(&session, &user, at(3_601)).await.unwrap();
        assert_eq!(found.is_some(), is_alive, "{id}");
    }
    let ended = format!("SELECT count(*) AS n FROM sessions WHERE id = 'over' AND revoked_at = {moment}");
    assert_eq!(count(database.url(), &ended).await, 1, "when it was ended is kept");
    storage.revoke_all_sessions(&UserId::parse("ada").unwrap(), at(51), &event()).await.unwrap();
    let ada = UserId::parse("ada").unwrap();
    assert!(storage.list_sessions(&ada, at(3_601)).await.unwrap().is_empty());
    let grace = storage.list_sessions(&UserId::parse("grace").unwrap(), at(3_601)).await.unwrap();
    assert_eq!(grace.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_d9_sessions_of_the_schema_before_are_taken_over_in_sqlite_as_they_were() {
    sessions_are_taken_over(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_d9_sessions_of_the_schema_before_are_taken_over_in_postgres_as_they_were() {
    sessions_are_taken_over(TestDatabase::postgres()).await;
}
