//! Sessions: alive or not, whose, and their end.

mod begin;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, Session, SessionId, Timestamp, User, UserId};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::rows::{IdentityRow, SessionRow, UserRow, with_trusted_email};
use crate::schema::{identities, sessions, users};
use crate::storage::Storage;

pub(crate) use begin::{begin_session, session_to_begin};

/// What a statement writes that ends all that a user is signed in with, whatever any clock says. The moment is for
/// programs of the version before, which compare that; nothing here does.
macro_rules! new_generation {
    ($now:expr) => {{
        let now: i64 = $now.micros();
        let later = ::diesel::dsl::case_when(
            users::tokens_valid_after.lt(now),
            ::diesel::IntoSql::into_sql::<::diesel::sql_types::BigInt>(now),
        );
        (
            users::generation.eq(users::generation + 1),
            users::tokens_valid_after.eq(later.otherwise(users::tokens_valid_after)),
        )
    }};
}
pub(crate) use new_generation;

/// How many users are signed out in one statement.
const PAGE: i64 = 1_000;

/// A session that was alive at the moment of the question, and its user.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSession {
    /// Whose it is; not disabled.
    pub user: User,
    /// The session.
    pub session: Session,
}

impl Storage {
    /// Finds a session of this user that is neither revoked nor expired, has the generation that its user has, came by an
    /// identity that counts, and whose user is not disabled. One query: there is no moment between two looks.
    pub async fn find_live_session(
        &self,
        session: &SessionId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StorageError> {
        // One row for each identity.
        let read = operation!(find_live_session(session, user, now), |connection| {
            let select = sessions::table
                .inner_join(users::table)
                .inner_join(identities::table.on(identities::user_id.eq(sessions::user_id)))
                .filter(sessions::id.eq(session.as_str()))
                .filter(sessions::user_id.eq(user.as_str()))
                .filter(sessions::revoked_at.is_null())
                .filter(sessions::expires_at.gt(now.micros()))
                .filter(sessions::generation.eq(users::generation))
                .filter(users::disabled_at.is_null());
            query!(connection, |c| select
                .select((
                    UserRow::as_select(),
                    SessionRow::as_select(),
                    sessions::issuer,
                    IdentityRow::as_select(),
                ))
                .load::<(UserRow, SessionRow, String, IdentityRow)>(c))
        });
        let rows = self.db.read(read).await?;
        self.read_live_session(rows)
    }

    /// The session of these rows, one for each identity of its user, if it came by one that counts.
    fn read_live_session(
        &self,
        rows: Vec<(UserRow, SessionRow, String, IdentityRow)>,
    ) -> Result<Option<LiveSession>, StorageError> {
        let stated: Vec<IdentityRow> = rows.iter().map(|(.., stated)| stated.clone()).collect();
        let Some((user, session, issuer, _)) = rows.into_iter().next() else { return Ok(None) };
        let (session, user) = (Session::try_from(session)?, User::try_from(user)?);
        let counts = stated.iter().any(|row| row.began(&session, &issuer, &self.providers));
        let user = with_trusted_email(user, &stated, &self.providers);
        Ok(counts.then_some(LiveSession { user, session }))
    }

    /// Notes that a session was used. Never moves that moment back.
    pub async fn touch_session(&self, session: &SessionId, now: Timestamp) -> Result<(), StorageError> {
        let write = operation!(touch_session(session = session.clone(), now), |connection| {
            let update = diesel::update(sessions::table.find(session.as_str()))
                .filter(sessions::last_seen_at.lt(now.micros()))
                .set(sessions::last_seen_at.eq(now.micros()));
            query!(connection, |c| update.execute(c)).map(drop)
        });
        self.db.write(write).await
    }

    /// The sessions of a user that are alive, the latest first.
    pub async fn list_sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StorageError> {
        let read = operation!(list_sessions(user, now), |connection| {
            let select = sessions::table
                .inner_join(users::table)
                .filter(sessions::user_id.eq(user.as_str()))
                .filter(sessions::revoked_at.is_null())
                .filter(sessions::expires_at.gt(now.micros()))
                .filter(sessions::generation.eq(users::generation))
                .order((sessions::created_at.desc(), sessions::id));
            let rows = query!(connection, |c| select
                .select((SessionRow::as_select(), sessions::issuer))
                .load::<(SessionRow, String)>(c))?;
            let of_user = identities::table.filter(identities::user_id.eq(user.as_str()));
            let stated =
                query!(connection, |c| of_user.select(IdentityRow::as_select()).load::<IdentityRow>(c))?;
            Ok((rows, stated))
        });
        let (rows, stated) = self.db.read(read).await?;
        let mut alive = Vec::new();
        for (row, issuer) in rows {
            let session = Session::try_from(row)?;
            if stated.iter().any(|row| row.began(&session, &issuer, &self.providers)) {
                alive.push(session);
            }
        }
        Ok(alive)
    }

    /// Ends a session of this user. False when it was over, by itself or with all of the user's, or is not theirs.
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

    /// Signs a user out everywhere: ends all sessions that have begun, whatever the clocks say by which they did. Answers
    /// how many it ended that were alive.
    pub async fn revoke_all_sessions(
        &self,
        user: &UserId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<u64, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change = operation!(revoke_all_sessions(user = user.clone(), now), |connection| {
            // Also locks the user's row: a sign-in has either finished, and its session is seen, or begins later.
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

    /// Ends every session that has begun, of every user. Answers for how many users it did so.
    ///
    /// Some users at a time, so that nobody waits for a million rows; when it is cut off, it can be done again.
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
                    .set(new_generation!(now));
                query!(connection, |c| update.execute(c)).map(|raised| raised as u64)
            });
        self.db.write(write).await
    }
}
