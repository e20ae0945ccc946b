//! A million rows are over at once, and are deleted while people go on.

use std::time::Duration;

use tokio::time::Instant;
use vestibule_test_support::{TestDatabase, eventually};

use super::stage::Stage;
use crate::world::{World, on_both_databases};

const ROWS: i64 = 1_000_000;
/// No request waits as long as this because of the deletion. It is far above what is measured, and printed.
const STALL: Duration = Duration::from_secs(2);

/// Half of them sign-ins that were used, half of them sessions of one person; all over for a year.
fn fill(database: &TestDatabase, rows: i64) {
    let numbers = if database.file().is_some() {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})", rows / 2)
    } else {
        format!("WITH n(i) AS (SELECT generate_series(1, {}))", rows / 2)
    };
    database.execute(&format!(
        "INSERT INTO spent_attempts (id, expires_at) {numbers} SELECT 'over-' || i, 1 + i FROM n"
    ));
    database.execute(&format!(
        "INSERT INTO sessions (id, user_id, provider_id, created_at, last_seen_at, expires_at) {numbers} \
         SELECT 'over-' || i, (SELECT min(id) FROM users), 'google', 0, 0, 1 + i FROM n"
    ));
}

fn count_over(database: &TestDatabase) -> i64 {
    let rows = "SELECT (SELECT count(*) FROM spent_attempts WHERE id LIKE 'over-%') \
                + (SELECT count(*) FROM sessions WHERE id LIKE 'over-%') AS n";
    database.count(rows)
}

/// The file with its write-ahead log.
fn size(database: &TestDatabase) -> Option<u64> {
    let file = database.file()?;
    let length = |name: &std::path::Path| std::fs::metadata(name).map_or(0, |metadata| metadata.len());
    Some(length(&file) + length(&file.with_extension("db-wal")))
}

on_both_databases! {
    async fn l15_a_million_rows_are_deleted_and_nobody_waits_for_it(database) {
        let mut stage = Stage::set(World::builder(database)).await;
        stage.world.program.stop().await;
        fill(&stage.world.database, ROWS);
        let filled = size(&stage.world.database);
        stage.world.program.start_again().await;
        let (begun, mut longest) = (Instant::now(), [Duration::ZERO; 2]);
        let mut left = count_over(&stage.world.database);
        assert!(left > 0, "it goes on while people do");
        while left > 0 {
            for _ in 0..100 {
                let asked = Instant::now();
                assert!(stage.is_signed_in().await);
                longest[0] = longest[0].max(asked.elapsed());
                let asked = Instant::now();
                assert_eq!(stage.writes().await.status, 200);
                longest[1] = longest[1].max(asked.elapsed());
            }
            left = count_over(&stage.world.database);
        }
        eprintln!(
            "a million rows: deleted within {} s; longest check {} ms, longest write {} ms; {filled:?} bytes before, {:?} after",
            begun.elapsed().as_secs(), longest[0].as_millis(), longest[1].as_millis(), size(&stage.world.database)
        );
        assert!(longest.iter().all(|wait| *wait < STALL), "{longest:?}");
        stage.world.database.assert_consistent();
        assert_room_is_used_again(&mut stage, filled).await;
    }
}

/// What was freed is filled again before the file grows.
async fn assert_room_is_used_again(stage: &mut Stage, filled: Option<u64>) {
    let Some(filled) = filled else { return };
    stage.world.program.stop().await;
    fill(&stage.world.database, ROWS / 5);
    let grown = size(&stage.world.database).unwrap();
    assert!(grown < filled + filled / 10, "{filled} bytes have become {grown}");
    stage.world.program.start_again().await;
    eventually("these are deleted too", async || count_over(&stage.world.database) == 0).await;
}
