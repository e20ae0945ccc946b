//! SQLite: a table in which triggers note what changes, looked at several times a second.

use std::convert::Infallible;
use std::time::Instant;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use tokio::time::{sleep_until, timeout};

use super::{HEARTBEAT, HEARTBEAT_TIMEOUT, publish, start};
use crate::changes::{Change, Changes};
use crate::db::{DatabaseFile, SqliteConnection};
use crate::error::StorageError;

/// The last change that is known and those after it. If the known one has been deleted, others behind it may be too.
const NEXT: &str = "SELECT seq, kind, id FROM changes WHERE seq >= ? ORDER BY seq LIMIT 1001";
const LATEST: &str = "SELECT coalesce(max(seq), 0) AS seq, '' AS kind, '' AS id FROM changes";

#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Publishes changes until that fails.
pub(super) async fn follow(file: &DatabaseFile, changes: &Changes) -> Result<Infallible, StorageError> {
    let mut connection = in_time(file.open_reader()).await??;
    let mut asked = Instant::now();
    let mut known = latest(&mut connection).await?;
    start(changes);
    loop {
        changes.confirm(asked);
        sleep_until((asked + HEARTBEAT).into()).await;
        asked = Instant::now();
        file.check_in_place()?;
        known = catch_up(&mut connection, changes, known).await?;
    }
}

/// Publishes the changes after `known`, and answers the last one that is known then.
async fn catch_up(
    connection: &mut SqliteConnection,
    changes: &Changes,
    mut known: i64,
) -> Result<i64, StorageError> {
    loop {
        let next = diesel::sql_query(NEXT).bind::<BigInt, _>(known);
        let noted: Vec<Noted> = in_time(next.load(connection)).await??;
        let without_gap = noted.as_slice().first().map_or(known == 0, |first| first.seq == known.max(1));
        if !without_gap {
            changes.publish(Change::Everything);
            return latest(connection).await;
        }
        let (last, before) = (noted.as_slice().last().map_or(known, |noted| noted.seq), known);
        noted.iter().filter(|noted| noted.seq > before).for_each(|n| publish(changes, &n.kind, &n.id));
        if last == before {
            return Ok(last);
        }
        known = last;
    }
}

async fn latest(connection: &mut SqliteConnection) -> Result<i64, StorageError> {
    let latest: Noted = in_time(diesel::sql_query(LATEST).get_result(connection)).await??;
    Ok(latest.seq)
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, StorageError> {
    let late = |_| StorageError::unavailable("reading the file took too long");
    timeout(HEARTBEAT_TIMEOUT, answer).await.map_err(late)
}
