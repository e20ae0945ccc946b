//! The end of tokens: of one, or of all of a user.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ApiTokenId, AuditEvent, Timestamp, UserId};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{api_tokens, users};
use crate::sessions::generation::new_token_generation;
use crate::storage::Storage;

impl Storage {
    /// Ends a token of this user. False when the user has no such token that is alive.
    pub async fn revoke_api_token(
        &self,
        user: &UserId,
        id: &ApiTokenId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::credential(id.as_str()));
        let change = operation!(revoke_api_token(user = user.clone(), id = id.clone(), now), |connection| {
            let same_generation = users::table
                .filter(users::id.eq(api_tokens::user_id))
                .filter(users::token_generation.eq(api_tokens::token_generation));
            let update = diesel::update(api_tokens::table.find(id.as_str()))
                .filter(api_tokens::user_id.eq(user.as_str()))
                .filter(api_tokens::revoked_at.is_null())
                .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(now.micros())))
                .filter(exists(same_generation))
                .set(api_tokens::revoked_at.eq(now.micros()));
            Ok(query!(connection, |c| update.execute(c))? == 1)
        });
        self.write_audited(event, change).await
    }

    /// Ends all tokens of a user that were made, whatever any clock says. Returns how many of them were alive.
    pub async fn revoke_all_api_tokens(
        &self,
        user: &UserId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<u64, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change = operation!(revoke_all_api_tokens(user = user.clone(), now), |connection| {
            // This also locks the user's row: a token is either made before, and is ended here, or has the next number.
            let raise = diesel::update(users::table.find(user.as_str())).set(new_token_generation!());
            query!(connection, |c| raise.execute(c))?;
            let update = diesel::update(api_tokens::table)
                .filter(api_tokens::user_id.eq(user.as_str()))
                .filter(api_tokens::revoked_at.is_null())
                .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(now.micros())))
                .set(api_tokens::revoked_at.eq(now.micros()));
            query!(connection, |c| update.execute(c)).map(|ended| ended as u64)
        });
        self.write_audited(event, change).await
    }
}
