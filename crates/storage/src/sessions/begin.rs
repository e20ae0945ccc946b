//! The beginning of a session.
//!
//! INVARIANT: the statement that creates a session also reads the user's generation, and creates none for a disabled user. So a
//! concurrent statement that ends the user's sessions ends this one too, whichever of the two commits first: in PostgreSQL
//! the foreign key alone does not make them wait for each other.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ClientInfo, Session};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::{sessions, users};

/// The statement that begins a session with an identity of this issuer. It inserts one row, or none if the user does not exist or
/// is disabled.
pub(crate) fn session_to_begin<'q>(
    session: &'q Session,
    issuer: &'q str,
    client: &'q ClientInfo,
) -> impl QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId + Send + 'q {
    let user = users::table.find(session.user_id.as_str()).filter(users::disabled_at.is_null());
    let values = user.select((
        session.id.as_str().into_sql::<Text>(),
        users::id,
        session.provider_id.as_str().into_sql::<Text>(),
        session.created_at.micros().into_sql::<BigInt>(),
        session.last_seen_at.micros().into_sql::<BigInt>(),
        session.expires_at.micros().into_sql::<BigInt>(),
        client.user_agent.as_deref().into_sql::<Nullable<Text>>(),
        client.ip.as_deref().into_sql::<Nullable<Text>>(),
        users::generation,
        issuer.into_sql::<Text>(),
        session.kind.as_str().into_sql::<Text>(),
        session.signed_in_at.micros().into_sql::<BigInt>(),
        session.auth_time.micros().into_sql::<BigInt>(),
    ));
    let columns = (
        sessions::id,
        sessions::user_id,
        sessions::provider_id,
        sessions::created_at,
        sessions::last_seen_at,
        sessions::expires_at,
        sessions::user_agent,
        sessions::ip,
        sessions::generation,
        sessions::issuer,
        sessions::kind,
        sessions::signed_in_at,
        sessions::auth_time,
    );
    values.insert_into(sessions::table).into_columns(columns)
}

/// Begins a session of a user whose row is locked.
pub(crate) async fn begin_session(
    connection: &mut Connection,
    session: &Session,
    issuer: &str,
    client: &ClientInfo,
) -> Result<(), OperationError> {
    let insert = session_to_begin(session, issuer, client);
    match query!(connection, |c| insert.execute(c))? {
        1 => Ok(()),
        _ => Err(OperationError::LostRace),
    }
}
