//! What ends with an identity: the sessions that began with it, and the addresses that only it stated.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{IdentityKey, Session, Timestamp, UserId};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::identities::email_ownership;
use crate::schema::{identities, lower, sessions, users};
use crate::sessions::row::SessionRow;

/// After an identity was deleted: ends the sessions that began with it, releases the addresses that only it stated, and returns
/// how many sessions ended.
pub(crate) async fn end_sessions_and_release_emails(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<u64, OperationError> {
    let ended = end_sessions(connection, user, identity, now).await?;
    email_ownership::release_unstated(connection, user).await?;
    let stated = identities::table
        .filter(identities::user_id.eq(users::id))
        .filter(identities::email_verified)
        .filter(lower(identities::email).eq(lower(users::email)));
    let update = diesel::update(users::table.find(user.as_str()))
        .filter(users::email.is_not_null())
        .filter(not(exists(stated)))
        .set(users::email.eq(None::<String>));
    query!(connection, |c| update.execute(c))?;
    Ok(ended)
}

async fn end_sessions(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<u64, OperationError> {
    let select =
        sessions::table.filter(sessions::user_id.eq(user.as_str())).filter(sessions::revoked_at.is_null());
    let rows = query!(connection, |c| select
        .select((SessionRow::as_select(), sessions::issuer))
        .load::<(SessionRow, String)>(c))?;
    let mut came_by_it = Vec::new();
    for (row, issuer) in rows {
        let session = Session::try_from(row)?;
        let subject = session.provider_id.split_once(':').map(|(_, subject)| subject);
        // A session without an issuer may be another identity's. It is safer to end it.
        if subject == Some(identity.subject.as_str()) && (issuer.is_empty() || issuer == identity.issuer) {
            came_by_it.push(session.id.as_str().to_owned());
        }
    }
    let update = diesel::update(sessions::table.filter(sessions::id.eq_any(came_by_it)))
        .set(sessions::revoked_at.eq(now.micros()));
    query!(connection, |c| update.execute(c)).map(|ended| ended as u64)
}
