//! Role accounts whose owner is deleted.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, AuditName, UserId};

use crate::audit;
use crate::db::{Connection, query};
use crate::error::{OperationError, StorageError};
use crate::schema::role_accounts;

/// Records that the role accounts of a user who is about to be deleted live on without an owner, and returns the events. The foreign key
/// takes the owner away.
pub(crate) async fn orphan_role_accounts(
    connection: &mut Connection,
    owner: &UserId,
    deletion: &AuditEvent,
) -> Result<Vec<AuditEvent>, OperationError> {
    let theirs = role_accounts::table.filter(role_accounts::owner_id.eq(owner.as_str()));
    let accounts = query!(connection, |c| theirs.select(role_accounts::user_id).load::<String>(c))?;
    let mut events = Vec::new();
    for account in accounts {
        let account =
            UserId::try_from(account).map_err(|_| StorageError::InvalidValue("role_accounts.user_id"))?;
        let event = AuditEvent::new(AuditName::RoleAccountOrphaned, deletion.actor.clone(), deletion.at);
        let event = event.for_user(&account).with_detail("owner", owner.as_str());
        audit::insert(connection, &event).await?;
        events.push(event);
    }
    Ok(events)
}
