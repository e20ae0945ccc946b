//! Deleting what is no longer needed.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::Timestamp;

use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{api_tokens, sessions, spent_attempts};
use crate::storage::Storage;

/// A spent attempt is kept for this long after its date, so that it stays spent when a clock is set back.
const ATTEMPTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// An ended session is kept for this long after its date, for investigations.
const SESSIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A token that is over is kept for this long, so that its holder can be told from a stranger.
const TOKENS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletedRows {
    /// Attempts that had been spent.
    pub spent_attempts: u64,
    /// Sessions that had ended.
    pub sessions: u64,
    /// Tokens of people and role accounts that had ended.
    pub api_tokens: u64,
}

impl Storage {
    /// Deletes spent attempts, and sessions and tokens that ended long ago, until none are left: `batch` rows at a time, so that other
    /// writes do not wait long.
    pub async fn delete_expired(&self, now: Timestamp, batch: u32) -> Result<DeletedRows, StorageError> {
        let batch = i64::from(batch.max(1));
        let mut deleted = DeletedRows::default();
        loop {
            let attempts = self.delete_attempts_before(now.minus(ATTEMPTS_KEPT), batch).await?;
            let sessions = self.delete_sessions_before(now.minus(SESSIONS_KEPT), batch).await?;
            deleted.spent_attempts += attempts as u64;
            let tokens = self.delete_api_tokens_before(now.minus(TOKENS_KEPT), batch).await?;
            deleted.sessions += sessions as u64;
            deleted.api_tokens += tokens as u64;
            if attempts == 0 && sessions == 0 && tokens == 0 {
                return Ok(deleted);
            }
        }
    }

    async fn delete_attempts_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_attempts_before(end, batch), |connection| {
            let inner = diesel::alias!(spent_attempts as ended);
            let ended = inner
                .select(inner.field(spent_attempts::id))
                .filter(inner.field(spent_attempts::expires_at).lt(end.micros()))
                .limit(*batch);
            let delete = diesel::delete(spent_attempts::table.filter(spent_attempts::id.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    async fn delete_sessions_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_sessions_before(end, batch), |connection| {
            let inner = diesel::alias!(sessions as ended);
            let ended = inner
                .select(inner.field(sessions::id))
                .filter(inner.field(sessions::expires_at).lt(end.micros()))
                .limit(*batch);
            let delete = diesel::delete(sessions::table.filter(sessions::id.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    async fn delete_api_tokens_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_api_tokens_before(end, batch), |connection| {
            let inner = diesel::alias!(api_tokens as ended);
            let is_before = inner
                .field(api_tokens::revoked_at)
                .lt(end.micros())
                .or(inner.field(api_tokens::expires_at).lt(end.micros()));
            let ended = inner.select(inner.field(api_tokens::id)).filter(is_before).limit(*batch);
            let delete = diesel::delete(api_tokens::table.filter(api_tokens::id.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }
}
