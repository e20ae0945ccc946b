//! A user who has very much is deleted in pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vestibule_storage::{OperationKind, OperationOutcome, StorageObserver};

use crate::bench::{GOOGLE, HOUR, at, event, on_both_databases, person};
use crate::consistency::{count, execute};

const DAY: i64 = 24 * HOUR;

/// Counts the statements that write by themselves.
#[derive(Default)]
struct Writes(AtomicU64);

impl StorageObserver for Writes {
    fn operation(&self, kind: OperationKind, _: OperationOutcome, _: Duration) {
        if kind == OperationKind::Write {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn counted(bench: &crate::bench::Bench) -> Arc<Writes> {
    let writes = Arc::new(Writes::default());
    bench.storage.observe_with(writes.clone());
    writes
}

/// Rows with the numbers from 1 to `most`, as `values` makes one of the number `i`.
fn rows(table: &str, columns: &str, values: &str, most: u32) -> String {
    format!(
        "INSERT INTO {table} ({columns}) WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers \
         WHERE i < {most}) SELECT {values} FROM numbers;"
    )
}

/// So many grants of a user that end at this moment, each with an access token and with `generations` refresh tokens.
fn grants(user: &str, most: u32, generations: u32, ends_at: i64) -> String {
    let columns = "id, user_id, user_generation, client_name, services, scopes, provider_id, auth_time, created_at, last_used_at, \
                   expires_at";
    let values = format!("'g' || i, '{user}', 0, 'Phone', '*', 'openid', 'google:1', 0, 0, 0, {ends_at}");
    let access = format!("'a' || i, 'g' || i, '*', 'openid', 0, 0, {ends_at}");
    let refresh = format!("'r' || i, 'g' || (1 + i % {most}), i / {most}, 0, {ends_at}");
    [
        rows("grants", columns, &values, most),
        rows(
            "access_tokens",
            "hash, grant_id, services, scopes, generation, created_at, expires_at",
            &access,
            most,
        ),
        rows(
            "refresh_tokens",
            "hash, grant_id, generation, created_at, expires_at",
            &refresh,
            most * generations,
        ),
    ]
    .concat()
}

fn sessions(user: &str, most: u32) -> String {
    let columns = "id, user_id, provider_id, created_at, last_seen_at, expires_at, issuer";
    rows("sessions", columns, &format!("'s' || i, '{user}', 'google:1', 0, 0, 0, '{GOOGLE}'"), most)
}

const TABLES: [&str; 5] = ["users", "sessions", "grants", "access_tokens", "refresh_tokens"];

on_both_databases! {
    async fn a_user_with_thousands_of_grants_is_deleted_by_a_thousand_rows_at_a_time(bench: &Bench) {
        let (ada, linus) = (bench.sign_in(&person(GOOGLE, "1")).await, bench.sign_in(&person(GOOGLE, "2")).await);
        let (url, user) = (bench.database.url(), ada.user.id.as_str());
        execute(url, &(grants(user, 2_500, 1, at(HOUR).micros()) + &sessions(user, 1_200))).await;
        let writes = counted(bench);
        assert!(bench.storage.delete_user(&ada.user.id, &event()).await.unwrap());
        // Two statements for each of three tables and one for 1,201 sessions leave so few that they go with the user.
        assert_eq!(writes.0.load(Ordering::Relaxed), 7);
        let mut left = Vec::new();
        for table in TABLES {
            left.push(count(url, &format!("SELECT count(*) AS n FROM {table}")).await);
        }
        assert_eq!(left, [1, 1, 0, 0, 0], "what another user has stays");
        assert!(bench.is_live(&linus, at(0)).await);
    }

    async fn l15_the_tokens_of_grants_that_ended_are_deleted_in_batches_of_their_own(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        let url = bench.database.url();
        execute(url, &grants(ada.user.id.as_str(), 40, 50, at(-2 * DAY).micros())).await;
        let writes = counted(bench);
        let deleted = bench.storage.delete_expired(at(0), 100).await.unwrap();
        assert_eq!((deleted.grants, deleted.access_tokens), (40, 40));
        assert_eq!(count(url, "SELECT count(*) AS n FROM refresh_tokens").await, 0);
        assert!(writes.0.load(Ordering::Relaxed) > 30, "2,000 rows, 100 at a time");
    }
}
