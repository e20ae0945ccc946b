//! What others change is heard of, and what is not sure to be heard is not believed.

#![allow(clippy::print_stdout, reason = "how long it took is for people to read")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use vestibule_domain::{Session, UserId, UserPatch, Username};
use vestibule_storage::{LEASE, Record, Storage, Version};
use vestibule_test_support::{Shutdown, TestCluster, TestDatabase, eventually};

use crate::bench::{Bench, GITHUB, GOOGLE, SignedIn, at, connect, event, on_both_databases, person};
use crate::consistency::{count, execute};

/// A replica that follows what the others do.
struct Follower {
    storage: Storage,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Follower {
    async fn on(database: &TestDatabase) -> Self {
        let storage = connect(database);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        storage.changes().subscribe(move |change| ears.lock().unwrap().push(change.to_string()));
        let following = storage.clone();
        let task = tokio::spawn(async move { following.follow_changes().await });
        let follower = Self { storage, heard, task };
        follower.until_confirmed().await;
        follower.heard();
        follower
    }

    fn is_confirmed(&self) -> bool {
        self.storage.changes().is_confirmed(Instant::now())
    }

    async fn until_confirmed(&self) {
        eventually("the feed is confirmed", async || self.is_confirmed()).await;
    }

    async fn until_unconfirmed(&self) {
        eventually("the feed is not confirmed", async || !self.is_confirmed()).await;
    }

    /// What was heard since the last look.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    /// Waits for a change that has to come; all that was heard before it.
    async fn until_heard(&self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        eventually("a change is heard", async || {
            all.extend(self.heard());
            all.iter().any(|change| change == last)
        })
        .await;
        all
    }

    fn version(&self, of: &SignedIn) -> Version {
        self.storage.changes().version(&records(of))
    }

    fn is_current(&self, version: Version, of: &SignedIn) -> bool {
        self.storage.changes().is_current(version, &records(of), Instant::now())
    }

    /// Waits until a copy is dead, and says how long that took.
    async fn until_dead(&self, version: Version, of: &SignedIn) -> Duration {
        let began = Instant::now();
        eventually("the copy is dead", async || !self.is_current(version, of)).await;
        began.elapsed()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn bench_on(database: TestDatabase) -> Bench {
    let bench = Bench { storage: connect(&database), database };
    bench.storage.migrate().await.unwrap();
    bench
}

/// Publishes a change as a trigger does.
async fn publish(database: &TestDatabase, kind: &str, id: &str) {
    let statement = if database.file().is_some() {
        format!("INSERT INTO changes (kind, id) VALUES ('{kind}', '{id}')")
    } else {
        format!("SELECT pg_notify('vestibule_changes', '{kind} {id}')")
    };
    execute(database.url(), &statement).await;
}

fn records(of: &SignedIn) -> [Record<'_>; 2] {
    [Record::session(&of.session.id), Record::user(&of.user.id)]
}

fn user(of: &SignedIn) -> String {
    format!("user {}", of.user.id.as_str())
}

fn session(of: &SignedIn) -> String {
    format!("session {}", of.session.id.as_str())
}

/// What is published when it is not known what has changed.
const ANYTHING: &str = "anything";

on_both_databases! {
    async fn d9_each_change_by_another_process_is_heard(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let bob = bench.sign_in(&person(GITHUB, "8")).await;
        let follower = Follower::on(&bench.database).await;
        let version = follower.version(&ada);
        assert!(follower.is_current(version, &ada));

        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
        let took = follower.until_dead(version, &ada).await;
        println!("a sign-out was heard of after {took:?}");
        follower.until_heard(&session(&ada)).await;
        bench.storage.revoke_all_sessions(&ada.user.id, at(2), &event()).await.unwrap();
        follower.until_heard(&user(&ada)).await;
        bench.storage.disable_user(&ada.user.id, at(3), &event()).await.unwrap();
        follower.until_heard(&user(&ada)).await;
        bench.storage.enable_user(&ada.user.id, &event()).await.unwrap();
        follower.until_heard(&user(&ada)).await;
        bench.storage.choose_username(&ada.user.id, &Username::parse("ada").unwrap(), &event()).await.unwrap();
        follower.until_heard(&user(&ada)).await;
        let nameless = UserPatch { name: Some(None), ..UserPatch::default() };
        bench.storage.patch_user(&ada.user.id, vec![nameless]).await.unwrap();
        follower.until_heard(&user(&ada)).await;
        bench.storage.delete_user(&ada.user.id, &event()).await.unwrap();
        let heard = follower.until_heard(&user(&ada)).await;
        assert!(!heard.contains(&user(&bob)) && !heard.contains(&ANYTHING.to_owned()), "{heard:?}");
    }

    async fn what_changes_nothing_that_is_kept_is_not_told(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let follower = Follower::on(&bench.database).await;
        bench.sign_in(&person(GITHUB, "8")).await;
        bench.sign_in(&person(GITHUB, "7")).await;
        bench.storage.touch_session(&ada.session.id, at(700)).await.unwrap();
        bench.storage.disable_user(&UserId::parse("nobody").unwrap(), at(1), &event()).await.unwrap();
        let last = bench.sign_in(&person(GITHUB, "9")).await;
        bench.storage.revoke_session(&last.user.id, &last.session.id, at(2), &event()).await.unwrap();
        assert_eq!(follower.until_heard(&session(&last)).await, [session(&last)]);
    }

    async fn d9_a_hand_at_the_database_is_heard_as_well(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let follower = Follower::on(&bench.database).await;
        let url = bench.database.url();
        for statement in ["UPDATE sessions SET revoked_at = 1", "UPDATE sessions SET revoked_at = NULL", "DELETE FROM sessions"] {
            execute(url, statement).await;
            follower.until_heard(&session(&ada)).await;
        }
        for statement in ["UPDATE users SET name = 'Countess'", "UPDATE users SET generation = generation + 1"] {
            execute(url, statement).await;
            follower.until_heard(&user(&ada)).await;
        }
    }

    async fn d9_a_kind_of_a_newer_program_ends_no_copies_and_what_is_no_kind_ends_all(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let follower = Follower::on(&bench.database).await;
        let version = follower.version(&ada);
        publish(&bench.database, "personal_token", "17").await;
        publish(&bench.database, "user", "grace").await;
        assert_eq!(follower.until_heard("user grace").await, ["user grace"]);
        assert!(follower.is_current(version, &ada));
        publish(&bench.database, "What?", "17").await;
        follower.until_heard(ANYTHING).await;
        assert!(!follower.is_current(version, &ada));
    }

    async fn a_user_with_thousands_of_sessions_is_signed_out_in_one_go(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let digits = (0..17).map(|n| format!("('{n}')")).collect::<Vec<_>>().join(",");
        let copies = format!(
            "WITH d (n) AS (VALUES {digits}) \
             INSERT INTO sessions (id, user_id, provider_id, created_at, last_seen_at, expires_at) \
             SELECT a.n || '-' || b.n || '-' || c.n, user_id, provider_id, created_at, last_seen_at, expires_at \
             FROM sessions, d a, d b, d c"
        );
        execute(bench.database.url(), &copies).await;
        let follower = Follower::on(&bench.database).await;
        let version = follower.version(&ada);
        assert_eq!(bench.storage.revoke_all_sessions(&ada.user.id, at(1), &event()).await.unwrap(), 17 * 17 * 17 + 1);
        follower.until_dead(version, &ada).await;
        follower.until_confirmed().await;
        assert!(follower.is_current(follower.version(&ada), &ada));
    }

    async fn d9_own_changes_count_at_once_without_any_feed(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let version = bench.storage.changes().version(&records(&ada));
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
        let after = bench.storage.changes().version(&records(&ada));
        assert_ne!(after, version);
        bench.storage.disable_user(&ada.user.id, at(1), &event()).await.unwrap();
        assert_ne!(bench.storage.changes().version(&records(&ada)), after);
        assert!(!bench.storage.changes().is_confirmed(Instant::now()), "nobody follows here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_d9_a_listener_that_was_thrown_out_believes_nothing_of_before_and_listens_again() {
    let cluster = tokio::task::spawn_blocking(TestCluster::start).await.unwrap();
    let bench = bench_on(cluster.create_database()).await;
    let ada = bench.sign_in(&person(GOOGLE, "7")).await;
    let follower = Follower::on(&bench.database).await;
    let version = follower.version(&ada);
    // But for those that ask this, one of which may not be gone yet.
    let listeners = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_listening_channels%' AND query NOT LIKE '%pg_stat_activity%'";
    assert_eq!(count(bench.database.url(), listeners).await, 1);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE '%pg_listening_channels%' AND query NOT LIKE '%pg_stat_activity%'";
    assert_eq!(count(bench.database.url(), end).await, 1);
    // Nobody hears of this, and yet:
    bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
    let took = follower.until_dead(version, &ada).await;
    println!("dead {took:?} after the listener's end");
    follower.until_heard(ANYTHING).await;
    follower.until_confirmed().await;
    assert!(!follower.is_current(version, &ada));
    let version = follower.version(&ada);
    assert!(follower.is_current(version, &ada));
    bench.storage.disable_user(&ada.user.id, at(2), &event()).await.unwrap();
    follower.until_heard(&user(&ada)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_d9_while_the_server_stands_still_nothing_is_believed() {
    let cluster = tokio::task::spawn_blocking(TestCluster::start).await.unwrap();
    let bench = bench_on(cluster.create_database()).await;
    let ada = bench.sign_in(&person(GOOGLE, "7")).await;
    let follower = Follower::on(&bench.database).await;
    let version = follower.version(&ada);
    cluster.freeze();
    let took = follower.until_dead(version, &ada).await;
    println!("nothing was believed {took:?} after the server stood still, {LEASE:?} are allowed");
    cluster.thaw();
    follower.until_confirmed().await;
    bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
    follower.until_dead(version, &ada).await;
    follower.until_heard(&session(&ada)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_d9_a_server_that_comes_back_is_followed_again() {
    let mut cluster = tokio::task::spawn_blocking(TestCluster::start_durable).await.unwrap();
    let bench = bench_on(cluster.create_database()).await;
    let ada = bench.sign_in(&person(GOOGLE, "7")).await;
    let follower = Follower::on(&bench.database).await;
    let version = follower.version(&ada);
    cluster.stop(Shutdown::Kill);
    follower.until_unconfirmed().await;
    cluster.start_again();
    let began = Instant::now();
    follower.until_confirmed().await;
    println!("followed again {:?} after the server was back", began.elapsed());
    assert!(!follower.is_current(version, &ada));
}

#[tokio::test(flavor = "multi_thread")]
async fn l8_d9_a_server_that_takes_no_writes_is_not_believed() {
    let cluster = tokio::task::spawn_blocking(TestCluster::start).await.unwrap();
    let bench = bench_on(cluster.create_database()).await;
    let follower = Follower::on(&bench.database).await;
    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.execute("SELECT pg_reload_conf()");
    follower.until_unconfirmed().await;
    cluster.execute("ALTER SYSTEM RESET default_transaction_read_only");
    cluster.execute("SELECT pg_reload_conf()");
    follower.until_confirmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_history_in_the_file_that_was_cut_or_replaced_means_anything() {
    let bench = bench_on(TestDatabase::sqlite()).await;
    let ada = bench.sign_in(&person(GITHUB, "7")).await;
    let follower = Follower::on(&bench.database).await;
    bench.storage.disable_user(&ada.user.id, at(1), &event()).await.unwrap();
    follower.until_heard(&user(&ada)).await;
    execute(bench.database.url(), "DELETE FROM changes").await;
    follower.until_heard(ANYTHING).await;
    bench.storage.enable_user(&ada.user.id, &event()).await.unwrap();
    follower.until_heard(ANYTHING).await;
    bench.storage.disable_user(&ada.user.id, at(2), &event()).await.unwrap();
    follower.until_heard(&user(&ada)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_in_the_file_does_not_grow_for_ever() {
    let database = TestDatabase::sqlite();
    let storage = connect(&database);
    storage.migrate().await.unwrap();
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) \
                INSERT INTO changes (kind, id) SELECT 'user', 'u' || i FROM n";
    execute(database.url(), many).await;
    assert_eq!(count(database.url(), "SELECT count(*) AS n FROM changes").await, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_d9_a_file_that_was_removed_is_not_believed() {
    let database = TestDatabase::sqlite();
    let storage = connect(&database);
    storage.migrate().await.unwrap();
    let follower = Follower::on(&database).await;
    std::fs::remove_file(database.file().unwrap()).unwrap();
    follower.until_unconfirmed().await;
}

/// Prints what telling costs where it costs most: sign-outs at once, each of which has to be on disk.
#[tokio::test(flavor = "multi_thread")]
async fn many_sign_outs_at_once_all_succeed_and_their_cost_is_printed() {
    let cluster = tokio::task::spawn_blocking(TestCluster::start_durable).await.unwrap();
    let bench = bench_on(cluster.create_database()).await;
    for (how, at_first) in
        [("untold", "DISABLE"), ("told", "ENABLE"), ("untold", "DISABLE"), ("told", "ENABLE")]
    {
        let alter = format!(
            "ALTER TABLE sessions {at_first} TRIGGER USER; ALTER TABLE users {at_first} TRIGGER USER"
        );
        execute(bench.database.url(), &alter).await;
        let mut sessions = Vec::new();
        for _ in 0..200 {
            sessions.push(bench.sign_in(&person(GOOGLE, "7")).await.session);
        }
        let began = Instant::now();
        let end = |session: Session| {
            let storage = bench.storage.clone();
            async move { storage.revoke_session(&session.user_id, &session.id, at(1), &event()).await.unwrap() }
        };
        let ended = crate::bench::all_at_once(sessions.into_iter().map(end).collect()).await;
        println!("{} sign-outs at once, {how}: {:?}", ended.len(), began.elapsed());
        assert!(ended.into_iter().all(|ended| ended));
    }
}

/// The rows that each change of a credential is tried on: one of each table, of one person and one session.
const CREDENTIALS: &str = "
    INSERT INTO sessions (id, user_id, provider_id, created_at, last_seen_at, expires_at, kind)
        SELECT 'b', id, 'github:7', 1, 1, 4000000000000000, 'browser' FROM users;
    INSERT INTO session_cookies (hash, session_id, origin, created_at) VALUES ('h', 'b', '', 1), ('i', 'b', 'https://app', 1);
    INSERT INTO api_tokens (id, hash, kind, user_id, name, services, scopes, metadata, hint, token_generation, created_at,
            created_by, expires_at)
        SELECT 't', 't', 'personal', id, 'n', '*', '', '{}', 'abcd', 0, 1, id, 4000000000000000 FROM users;
    INSERT INTO grants (id, user_id, user_generation, client_name, services, scopes, provider_id, auth_time, created_at,
            last_used_at, expires_at)
        SELECT 'g', id, 0, 'Phone', '*', '', 'github:7', 1, 1, 1, 4000000000000000 FROM users;
    INSERT INTO access_tokens (hash, grant_id, services, scopes, generation, created_at, expires_at)
        VALUES ('a', 'g', '*', '', 1, 1, 4000000000000000), ('c', NULL, '*', '', 1, 1, 4000000000000000);
    INSERT INTO refresh_tokens (hash, grant_id, generation, created_at, expires_at) VALUES ('r', 'g', 1, 1, 4000000000000000)";

/// The statement, with what goes along: SQLite's connections beside the storage would leave that out.
fn with_cascades(bench: &Bench, statement: &str) -> String {
    let is_sqlite = bench.database.url().starts_with("sqlite");
    format!("{}{statement}", if is_sqlite { "PRAGMA foreign_keys = ON; " } else { "" })
}

on_both_databases! {
    async fn d9_every_change_of_a_credential_is_told_and_no_use_of_one_is(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        execute(bench.database.url(), CREDENTIALS).await;
        let follower = Follower::on(&bench.database).await;
        let user = format!("user {}", ada.user.id);
        let told = [
            ("UPDATE session_cookies SET hash = 'j' WHERE hash = 'h'", "session b"),
            ("DELETE FROM session_cookies WHERE hash = 'i'", "session b"),
            ("UPDATE sessions SET auth_time = 5 WHERE id = 'b'", "session b"),
            ("UPDATE sessions SET signed_in_at = 5 WHERE id = 'b'", "session b"),
            ("UPDATE api_tokens SET scopes = 'read'", "credential t"),
            ("UPDATE api_tokens SET services = 'wiki'", "credential t"),
            ("UPDATE api_tokens SET metadata = '{\"a\":1}'", "credential t"),
            ("UPDATE api_tokens SET expires_at = 5000000000000000", "credential t"),
            ("UPDATE api_tokens SET hash = 'u'", "credential t"),
            ("UPDATE grants SET scopes = 'read'", "credential g"),
            ("UPDATE grants SET services = 'wiki'", "credential g"),
            ("UPDATE access_tokens SET revoked_at = 5 WHERE hash = 'a'", "credential a"),
            ("DELETE FROM access_tokens WHERE hash = 'c'", "credential c"),
            ("UPDATE users SET token_generation = 7", user.as_str()),
            ("UPDATE identities SET claims = '{\"a\":\"b\"}'", user.as_str()),
            ("UPDATE identities SET email = 'ada@example.org', email_verified = TRUE", user.as_str()),
            ("INSERT INTO role_assignments (id, subject_kind, subject, user_id, role, created_at)
                SELECT 'x', 'user', id, id, 'Writer', 1 FROM users", user.as_str()),
            ("INSERT INTO identities (issuer, subject, user_id, email_verified, last_used_at)
                SELECT 'https://third.example', '9', id, FALSE, 1 FROM users", user.as_str()),
            ("DELETE FROM role_assignments WHERE id = 'x'", user.as_str()),
            ("INSERT INTO role_assignments (id, subject_kind, subject, role, created_at)
                VALUES ('y', 'domain', 'example.org', 'Writer', 1)", "anything"),
            ("DELETE FROM role_assignments WHERE id = 'y'", "anything"),
            ("UPDATE api_tokens SET revoked_at = 5", "credential t"),
            ("UPDATE grants SET revoked_at = 5", "credential g"),
        ];
        for (statement, change) in told {
            execute(bench.database.url(), statement).await;
            follower.until_heard(change).await;
        }
        let quiet = [
            "UPDATE api_tokens SET last_used_at = 9, last_used_ip = '192.0.2.1', name = 'other'",
            "UPDATE grants SET last_used_at = 9",
            "UPDATE refresh_tokens SET seen_at = 9, spent_at = 9, successor_sealed = 'x'",
            "UPDATE sessions SET last_seen_at = 9 WHERE id = 'b'",
            "UPDATE identities SET last_used_at = 9",
            "INSERT INTO session_data (session_id, app, version, data, updated_at) VALUES ('b', 'wiki', 1, '{}', 1)",
            "DELETE FROM refresh_tokens",
            // What is over is dead in every copy already.
            "DELETE FROM api_tokens",
            "DELETE FROM access_tokens",
            "DELETE FROM grants",
        ];
        for statement in quiet {
            execute(bench.database.url(), statement).await;
        }
        execute(bench.database.url(), "UPDATE users SET name = 'last'").await;
        let heard = follower.until_heard(&user).await;
        assert!(heard.iter().all(|change| *change == user), "{heard:?}");
    }

    async fn d9_what_lives_and_is_deleted_is_told_and_what_goes_with_its_parent_is_not_told_twice(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        execute(bench.database.url(), CREDENTIALS).await;
        let follower = Follower::on(&bench.database).await;
        for (statement, change) in [("DELETE FROM api_tokens", "credential t"), ("DELETE FROM grants", "credential g")] {
            execute(bench.database.url(), &with_cascades(bench, statement)).await;
            let heard = follower.until_heard(change).await;
            assert_eq!(heard, [change], "{statement}");
        }
        execute(bench.database.url(), &with_cascades(bench, "DELETE FROM sessions WHERE id = 'b'")).await;
        assert_eq!(follower.until_heard("session b").await, ["session b"]);
        assert!(bench.is_live(&ada, at(0)).await);
    }
}
