//! Sessions: finding and touching those that are alive. Their beginning and their end are in files of their own.

pub(crate) mod alive;
pub(crate) mod begin;
pub(crate) mod generation;
mod revoke;
pub(crate) mod row;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{SecretDigest, Session, SessionId, Timestamp, User, UserId};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::identities::row::IdentityRow;
use crate::schema::{identities, session_cookies, sessions, users};
use crate::sessions::alive::living_sessions;
use crate::sessions::row::SessionRow;
use crate::sign_in::session::OWN_ORIGIN;
use crate::storage::Storage;
use crate::users::row::{UserRow, with_trusted_email};

/// A session that was alive when it was read, and its user.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSession {
    /// Its user, who is not disabled.
    pub user: User,
    /// The session.
    pub session: Session,
}

impl LiveSession {
    /// The records that it is a copy of.
    pub fn records(&self) -> [Record<'_>; 2] {
        [Record::session(&self.session.id), Record::user(&self.user.id)]
    }
}

/// Loads those of the sessions that may be alive with their users: one row for each identity. A macro, because what is selected differs
/// between the databases.
macro_rules! load_live_sessions {
    ($connection:expr, $now:expr, $filter:expr) => {{
        let alive = living_sessions!($now)
            .inner_join(identities::table.on(identities::user_id.eq(sessions::user_id)))
            .filter($filter);
        query!($connection, |c| alive
            .select((
                UserRow::as_select(),
                SessionRow::as_select(),
                sessions::issuer,
                IdentityRow::as_select(),
            ))
            .load::<(UserRow, SessionRow, String, IdentityRow)>(c))
    }};
}

impl Storage {
    /// Finds a session of this user that is neither revoked nor expired nor, if it is a browser's, unused or too old; that has its user's generation, began with a trusted
    /// identity, and whose user is not disabled. One query, so that nothing changes in between.
    pub async fn find_live_session(
        &self,
        session: &SessionId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StorageError> {
        let read = operation!(find_live_session(session, user, now), |connection| {
            let of_user = sessions::id.eq(session.as_str()).and(sessions::user_id.eq(user.as_str()));
            load_live_sessions!(connection, now, of_user)
        });
        let rows = self.db.read(read).await?;
        self.read_live_session(rows, now)
    }

    /// The same by a cookie of the service itself.
    pub async fn find_live_session_by_cookie(
        &self,
        cookie: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StorageError> {
        let read = operation!(find_live_session_by_cookie(cookie, now), |connection| {
            let of_cookie = session_cookies::table
                .find(cookie.to_string())
                .filter(session_cookies::origin.eq(OWN_ORIGIN))
                .select(session_cookies::session_id);
            load_live_sessions!(connection, now, sessions::id.nullable().eq(of_cookie.single_value()))
        });
        let rows = self.db.read(read).await?;
        self.read_live_session(rows, now)
    }

    /// The session of these rows, one for each identity of its user, if it began with a trusted one.
    fn read_live_session(
        &self,
        rows: Vec<(UserRow, SessionRow, String, IdentityRow)>,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StorageError> {
        let stated: Vec<IdentityRow> = rows.iter().map(|(.., stated)| stated.clone()).collect();
        let Some((user, session, issuer, _)) = rows.into_iter().next() else { return Ok(None) };
        let (session, user) = (Session::try_from(session)?, User::try_from(user)?);
        let is_trusted = stated.iter().any(|row| row.started(&session, &issuer, &self.providers));
        let user = with_trusted_email(user, &stated, &self.providers);
        let is_alive = is_trusted && session.is_running(now, &self.session_limits);
        Ok(is_alive.then_some(LiveSession { user, session }))
    }

    /// Stores when a session was last used. Never moves that moment back.
    pub async fn touch_session(&self, session: &SessionId, now: Timestamp) -> Result<(), StorageError> {
        let write = operation!(touch_session(session = session.clone(), now), |connection| {
            let update = diesel::update(sessions::table.find(session.as_str()))
                .filter(sessions::last_seen_at.lt(now.micros()))
                .set(sessions::last_seen_at.eq(now.micros()));
            query!(connection, |c| update.execute(c)).map(drop)
        });
        self.db.write(write).await
    }

    /// Lists the sessions of a user that are alive, the latest first.
    pub async fn list_sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StorageError> {
        let read = operation!(list_sessions(user, now), |connection| {
            let select = living_sessions!(now)
                .filter(sessions::user_id.eq(user.as_str()))
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
            if session.is_running(now, &self.session_limits)
                && stated.iter().any(|row| row.started(&session, &issuer, &self.providers))
            {
                alive.push(session);
            }
        }
        Ok(alive)
    }
}
