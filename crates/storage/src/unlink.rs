//! Taking an identity away from a user.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, IdentityKey, Session, Timestamp, UserId};

use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::rows::SessionRow;
use crate::schema::{identities, identity_refusals, lower, sessions, users};
use crate::sign_in::{email_ownership, user_row};
use crate::storage::Storage;

/// What became of an identity that was to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlinking {
    /// It is gone, with so many sessions that came by it.
    Done {
        /// How many.
        sessions: u64,
    },
    /// Nothing has changed: the user has no other identity of a provider that is configured.
    LastIdentity,
    /// The user has no such identity.
    Unknown,
}

impl Changed for Unlinking {
    fn changed(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl Storage {
    /// Takes an identity away from a user, with the sessions that came by it, unless it is the last way in. The identity is
    /// refused from then on: it becomes a user of its own, and none of its addresses counts for anything.
    pub async fn unlink_identity(
        &self,
        user: &UserId,
        identity: &IdentityKey,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<Unlinking, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        // A name has no space in it.
        let configured: Vec<String> =
            self.providers.iter().map(|provider| format!("{} {}", provider.name, provider.issuer)).collect();
        let change = operation!(
            unlink_identity(user = user.clone(), identity = identity.clone(), configured, now),
            |connection| {
                // Otherwise two of them could each see the identity that the other takes away.
                if user_row::lock(connection, user.as_str()).await?.is_none() {
                    return Ok(Unlinking::Unknown);
                }
                if !delete_unless_last(connection, user, identity, configured).await? {
                    let is_theirs = has_identity(connection, user, identity).await?;
                    return Ok(if is_theirs { Unlinking::LastIdentity } else { Unlinking::Unknown });
                }
                refuse(connection, user, identity, *now).await?;
                let sessions = end_sessions_and_release_emails(connection, user, identity, *now).await?;
                Ok(Unlinking::Done { sessions })
            }
        );
        self.write_audited(event, change).await
    }
}

async fn delete_unless_last(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    configured: &[String],
) -> Result<bool, OperationError> {
    let others = diesel::alias!(identities as others);
    let provider = others.field(identities::provider).concat(" ").concat(others.field(identities::issuer));
    let is_this = others
        .field(identities::issuer)
        .eq(&identity.issuer)
        .and(others.field(identities::subject).eq(&identity.subject));
    let other_ways_in = others
        .filter(others.field(identities::user_id).eq(user.as_str()))
        .filter(not(is_this))
        .filter(provider.eq_any(configured));
    let delete = diesel::delete(identities::table.find((&identity.issuer, &identity.subject)))
        .filter(identities::user_id.eq(user.as_str()))
        .filter(exists(other_ways_in));
    Ok(query!(connection, |c| delete.execute(c))? == 1)
}

async fn has_identity(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
) -> Result<bool, OperationError> {
    let of_user = identities::table
        .filter(identities::issuer.eq(&identity.issuer))
        .filter(identities::subject.eq(&identity.subject))
        .filter(identities::user_id.eq(user.as_str()));
    let select = diesel::select(exists(of_user));
    query!(connection, |c| select.get_result::<bool>(c))
}

async fn refuse(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<(), OperationError> {
    let insert = diesel::insert_into(identity_refusals::table)
        .values((
            identity_refusals::issuer.eq(&identity.issuer),
            identity_refusals::subject.eq(&identity.subject),
            identity_refusals::user_id.eq(user.as_str()),
            identity_refusals::at.eq(now.micros()),
        ))
        .on_conflict_do_nothing();
    query!(connection, |c| insert.execute(c)).map(drop)
}

/// After an identity was deleted: ends the sessions that came by it, frees the addresses that it alone stated, and answers how
/// many sessions it ended.
pub(crate) async fn end_sessions_and_release_emails(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<u64, OperationError> {
    let ended = end_sessions(connection, user, identity, *now).await?;
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
        // Of a session without an issuer it is better to end one too many.
        if subject == Some(identity.subject.as_str()) && (issuer.is_empty() || issuer == identity.issuer) {
            came_by_it.push(session.id.as_str().to_owned());
        }
    }
    let update = diesel::update(sessions::table.filter(sessions::id.eq_any(came_by_it)))
        .set(sessions::revoked_at.eq(now.micros()));
    query!(connection, |c| update.execute(c)).map(|ended| ended as u64)
}
