//! Revoking sessions: one, all of a user, all of every user.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, SessionId, Timestamp, UserId};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{sessions, users};
use crate::sessions::generation::{new_generation, new_token_generation};
use crate::storage::Storage;

/// How many users one statement signs out.
const PAGE: i64 = 1_000;

impl Storage {
    /// Whether a session is this user's and was not ended by itself. Only reads, for callers that cannot know whether there is
    /// anything to end.
    pub async fn may_revoke_session(&self, user: &UserId, session: &SessionId) -> Result<bool, StorageError> {
        let read = operation!(may_revoke_session(user, session), |connection| {
            let of_user = sessions::table
                .find(session.as_str())
                .filter(sessions::user_id.eq(user.as_str()))
                .filter(sessions::revoked_at.is_null());
            let select = diesel::select(exists(of_user));
            query!(connection, |c| select.get_result::<bool>(c))
        });
        self.db.read(read).await
    }

    /// Ends a session of this user. False when it had ended already, alone or with all of the user's, or is not theirs.
    pub async fn revoke_session(
        &self,
        user: &UserId,
        session: &SessionId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::session(session));
        let revoke =
            operation!(revoke_session(user = user.clone(), session = session.clone(), now), |connection| {
                let same_generation = users::table
                    .filter(users::id.eq(sessions::user_id))
                    .filter(users::generation.eq(sessions::generation));
                let update = diesel::update(sessions::table.find(session.as_str()))
                    .filter(sessions::user_id.eq(user.as_str()))
                    .filter(sessions::revoked_at.is_null())
                    .filter(exists(same_generation))
                    .set(sessions::revoked_at.eq(now.micros()));
                Ok(query!(connection, |c| update.execute(c))? == 1)
            });
        self.write_audited(event, revoke).await
    }

    /// Signs a user out everywhere: ends all sessions that have begun, whatever any clock says. Returns how many of them were
    /// alive.
    pub async fn revoke_all_sessions(
        &self,
        user: &UserId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<u64, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change = operation!(revoke_all_sessions(user = user.clone(), now), |connection| {
            // This also locks the user's row: a sign-in has either finished, and its session is seen, or begins later.
            let raise = diesel::update(users::table.find(user.as_str())).set(new_generation!(now));
            query!(connection, |c| raise.execute(c))?;
            let update = diesel::update(sessions::table)
                .filter(sessions::user_id.eq(user.as_str()))
                .filter(sessions::revoked_at.is_null())
                .filter(sessions::expires_at.gt(now.micros()))
                .set(sessions::revoked_at.eq(now.micros()));
            query!(connection, |c| update.execute(c)).map(|ended| ended as u64)
        });
        self.write_audited(event, change).await
    }

    /// Ends every session that has begun and every token that was made, of every user. Returns the number of users.
    ///
    /// Works in batches, so that no request waits for a million rows; when it is interrupted, it can be run again.
    pub async fn revoke_everything(&self, now: Timestamp) -> Result<u64, StorageError> {
        let (mut after, mut users) = (String::new(), 0);
        while let Some(last) = self.find_end_of_page(&after).await? {
            users += self.raise_page(&after, &last, now).await?;
            after = last;
        }
        Ok(users)
    }

    async fn find_end_of_page(&self, after: &str) -> Result<Option<String>, StorageError> {
        let read = operation!(find_end_of_page(after), |connection| {
            let select = users::table.filter(users::id.gt(after)).order(users::id).limit(PAGE);
            query!(connection, |c| select.select(users::id).load::<String>(c))
        });
        let page = self.db.read(read);
        Ok(page.await?.pop())
    }

    async fn raise_page(&self, after: &str, last: &str, now: Timestamp) -> Result<u64, StorageError> {
        let write =
            operation!(raise_page(after = after.to_owned(), last = last.to_owned(), now), |connection| {
                let update = diesel::update(users::table)
                    .filter(users::id.gt(after))
                    .filter(users::id.le(last))
                    .set((new_generation!(now), new_token_generation!()));
                query!(connection, |c| update.execute(c)).map(|raised| raised as u64)
            });
        self.db.write(write).await
    }
}
