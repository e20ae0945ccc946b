//! Deleting what is no longer needed.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::Timestamp;

use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{access_tokens, api_tokens, grants, refresh_tokens, sessions, spent_attempts};
use crate::storage::Storage;

/// A spent attempt is kept for this long after its date, so that it stays spent when a clock is set back.
const ATTEMPTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// An ended session is kept for this long after its date, for investigations.
const SESSIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A token that is over is kept for this long, so that its holder can be told from a stranger.
const TOKENS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An ended grant, and an ended access token, is kept for this long after its date.
const GRANTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A sealed answer is cleared when no setting lets it be given again.
const ANSWERS_KEPT: Duration = Duration::from_secs(5 * 60);

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletedRows {
    /// Attempts that had been spent.
    pub spent_attempts: u64,
    /// Sessions that had ended.
    pub sessions: u64,
    /// Tokens of people and role accounts that had ended.
    pub api_tokens: u64,
    /// Grants that had ended.
    pub grants: u64,
    /// Access tokens that had ended.
    pub access_tokens: u64,
}

impl Storage {
    /// Deletes spent attempts, and sessions, tokens and grants that ended long ago, until none are left, and clears the answers to refresh
    /// tokens that are not given again: `batch` rows at a time, so that other writes do not wait long.
    pub async fn delete_expired(&self, now: Timestamp, batch: u32) -> Result<DeletedRows, StorageError> {
        let batch = i64::from(batch.max(1));
        let mut deleted = DeletedRows::default();
        loop {
            let attempts = self.delete_attempts_before(now.minus(ATTEMPTS_KEPT), batch).await?;
            let sessions = self.delete_sessions_before(now.minus(SESSIONS_KEPT), batch).await?;
            let access_tokens = self.delete_access_tokens_before(now.minus(GRANTS_KEPT), batch).await?;
            // A grant has many of them, and its own statement deletes what is left.
            while self.delete_refresh_tokens_before(now.minus(GRANTS_KEPT), batch).await? > 0 {}
            let grants = self.delete_grants_before(now.minus(GRANTS_KEPT), batch).await?;
            let cleared = self.clear_answers_before(now.minus(ANSWERS_KEPT), batch).await?;
            deleted.spent_attempts += attempts as u64;
            let tokens = self.delete_api_tokens_before(now.minus(TOKENS_KEPT), batch).await?;
            deleted.sessions += sessions as u64;
            deleted.api_tokens += tokens as u64;
            deleted.access_tokens += access_tokens as u64;
            deleted.grants += grants as u64;
            if [attempts, sessions, tokens, access_tokens, grants, cleared].iter().all(|count| *count == 0) {
                return Ok(deleted);
            }
        }
    }

    async fn delete_access_tokens_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_access_tokens_before(end, batch), |connection| {
            let inner = diesel::alias!(access_tokens as ended);
            let ended = inner
                .select(inner.field(access_tokens::hash))
                .filter(inner.field(access_tokens::expires_at).lt(end.micros()))
                .limit(*batch);
            let delete = diesel::delete(access_tokens::table.filter(access_tokens::hash.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    /// Those of grants that expired or were revoked.
    async fn delete_refresh_tokens_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_refresh_tokens_before(end, batch), |connection| {
            let inner = diesel::alias!(refresh_tokens as ended);
            let expired = grants::expires_at.lt(end.micros());
            let revoked = grants::revoked_at.lt(end.micros()).assume_not_null();
            let of_grants = grants::table.filter(expired.or(revoked)).select(grants::id);
            let ended = inner
                .select(inner.field(refresh_tokens::hash))
                .filter(inner.field(refresh_tokens::grant_id).eq_any(of_grants))
                .limit(*batch);
            let delete = diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    /// Those that expired or were revoked.
    async fn delete_grants_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_grants_before(end, batch), |connection| {
            let inner = diesel::alias!(grants as ended);
            let expired = inner.field(grants::expires_at).lt(end.micros());
            let revoked = inner.field(grants::revoked_at).lt(end.micros()).assume_not_null();
            let ended = inner.select(inner.field(grants::id)).filter(expired.or(revoked)).limit(*batch);
            let delete = diesel::delete(grants::table.filter(grants::id.eq_any(ended)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    async fn clear_answers_before(&self, end: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(clear_answers_before(end, batch), |connection| {
            let inner = diesel::alias!(refresh_tokens as spent);
            let spent = inner
                .select(inner.field(refresh_tokens::hash))
                .filter(inner.field(refresh_tokens::successor_sealed).is_not_null())
                .filter(inner.field(refresh_tokens::spent_at).lt(end.micros()))
                .limit(*batch);
            let clear = diesel::update(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(spent)))
                .set(refresh_tokens::successor_sealed.eq(None::<String>));
            query!(connection, |c| clear.execute(c))
        });
        self.db.write(write).await
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
