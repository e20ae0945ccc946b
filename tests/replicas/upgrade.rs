//! A new version comes while the old one serves.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vestibule_test_support::{TestDatabase, eventually};

use super::load::Load;
use super::stage::{Fleet, Site};
use crate::documents::markdown::repository;

/// What a later version might add: nothing that this one reads or writes goes or changes its meaning.
const LATER: &str = "BEGIN;
    ALTER TABLE users ADD COLUMN locale TEXT;
    ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
    CREATE TABLE devices (
        id TEXT NOT NULL CONSTRAINT devices_pkey PRIMARY KEY,
        user_id TEXT NOT NULL CONSTRAINT devices_user_id_fkey REFERENCES users (id) ON DELETE CASCADE
    );
    INSERT INTO schema_migrations (version, name) VALUES (999, '0999_later');
    COMMIT";

/// Five seconds more than [`DRAIN_DELAY`](super::stage::Site::replica), of which a quiet machine needs none.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn l11_the_old_version_serves_on_while_and_after_a_new_one_migrates() {
    let mut fleet = Fleet::behind_proxy().await;
    let load = Load::start(&fleet.site);
    load.go_on_for(200).await;
    fleet.site.database.query(LATER);
    load.go_on_for(400).await;
    for replica in &fleet.replicas {
        assert_eq!(replica.client().get("/readyz").await.status, 200, "it stays in the proxy's service");
    }
    let lost = load.stop().await;
    assert!(lost.is_empty(), "{lost:#?}");

    // The way back is not this one.
    let began = Instant::now();
    assert_eq!(fleet.replicas[0].stop().await.code(), Some(0));
    assert!(
        began.elapsed() < PATIENCE,
        "connections that rest do not hold up the end: {:?}",
        began.elapsed()
    );
    let refused =
        fleet.site.replica().try_start().await.expect_err("the old version does not start any more");
    assert_eq!(refused.status.code(), Some(1), "{}", refused.logs);
    assert!(refused.logs.contains("the database has schema version 999"), "{}", refused.logs);
    let token = fleet.sign_in(&fleet.site.person(100), 1, 2).await;
    assert!(fleet.is_signed_in(1, &token).await, "the replicas that run are not disturbed by that");
}

/// A session of somebody else that looked at a table and has not finished: a dump, for instance.
struct Onlooker(Child);

impl Onlooker {
    async fn of(database: &TestDatabase, table: &str) -> Self {
        let mut psql = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", database.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql is installed: run `make test-needs`");
        let input = psql.stdin.as_mut().unwrap();
        writeln!(input, "BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE;").unwrap();
        input.flush().unwrap();
        let held = format!(
            "SELECT count(*) FROM pg_locks WHERE granted AND relation = '{table}'::regclass AND mode = 'AccessShareLock'"
        );
        eventually("the lock is held", async || database.query(&held).as_deref() == Some("1")).await;
        Self(psql)
    }

    fn leave(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// The first step alone, as an early version has left it.
fn apply_first_step(database: &TestDatabase) {
    let initial =
        fs::read_to_string(repository().join("crates/storage/migrations/0001_initial.sql")).unwrap();
    database.query(&format!(
        "CREATE TABLE schema_migrations (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL); \
         INSERT INTO schema_migrations VALUES (1, '0001_initial'); {initial}"
    ));
}

fn steps(database: &TestDatabase) -> String {
    database.query("SELECT string_agg(name, ' ' ORDER BY version) FROM schema_migrations").unwrap()
}

async fn until_a_step_waits_for_a_table(database: &TestDatabase) {
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
    eventually("a step waits", async || database.query(waits).as_deref() == Some("1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_a_migration_that_was_killed_in_the_midst_of_a_step_goes_on_from_there() {
    let site = Site::new().await;
    apply_first_step(&site.database);
    site.generate_keys().await;
    let onlooker = Onlooker::of(&site.database, "identities").await;
    let mut replica = site.replica().ready_at(None).start().await;
    until_a_step_waits_for_a_table(&site.database).await;
    replica.kill().await;
    onlooker.leave();
    assert_eq!(steps(&site.database), "0001_initial", "the step has left no trace");

    let replica = site.replica().start().await;
    assert_eq!(replica.client().get("/readyz").await.status, 200);
    let steps = steps(&site.database);
    assert!(steps.starts_with("0001_initial 0002_statements 0003_roles"), "{steps}");
}

/// Whoever waits for a table keeps everybody waiting who comes later, also those who only read.
#[tokio::test(flavor = "multi_thread")]
async fn l11_a_migration_that_has_to_wait_for_a_dump_keeps_nobody_else_waiting_for_long() {
    let site = Site::new().await;
    apply_first_step(&site.database);
    let onlooker = Onlooker::of(&site.database, "identities").await;
    let replica = site.replica();
    let migration = tokio::spawn(async move { replica.run(&["migrate"]).await });
    for _ in 0..3 {
        until_a_step_waits_for_a_table(&site.database).await;
        // A test's statement waits ten seconds at most.
        assert_eq!(site.database.query("SELECT count(*) FROM identities").as_deref(), Some("0"));
    }
    onlooker.leave();
    let done = migration.await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(steps(&site.database).contains("0003_roles"));
}
