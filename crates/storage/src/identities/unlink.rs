//! Unlinking an identity from a user.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, IdentityKey, Timestamp, UserId};

use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::identities::detach::end_sessions_and_release_emails;
use crate::identities::refusal;
use crate::schema::identities;
use crate::storage::Storage;
use crate::users::lock::lock_user;

/// The outcome of unlinking an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlinking {
    /// It was removed, and this many sessions that began with it ended.
    Done {
        /// How many.
        sessions: u64,
    },
    /// Nothing has changed: the user has no other identity of a configured provider.
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
    /// Removes an identity from a user, with the sessions that began with it, unless the user has no other. The identity is
    /// refused from then on: its next sign-in creates a user of its own, and none of its addresses is trusted.
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
                // Without the lock, two of them could each see the identity that the other removes.
                if lock_user(connection, user.as_str()).await?.is_none() {
                    return Ok(Unlinking::Unknown);
                }
                if !delete_unless_last(connection, user, identity, configured).await? {
                    let is_theirs = has_identity(connection, user, identity).await?;
                    return Ok(if is_theirs { Unlinking::LastIdentity } else { Unlinking::Unknown });
                }
                refusal::refuse(connection, user, identity, *now).await?;
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
