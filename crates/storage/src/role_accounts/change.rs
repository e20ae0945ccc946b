//! Role accounts that are renamed, described anew or given to another owner.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, Description, DisplayName, Metadata, UserId};

use crate::api_tokens::write_metadata;
use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::role_accounts::create::may_own;
use crate::schema::{role_accounts, users};
use crate::storage::Storage;

/// What is changed about a role account; what is not named stays. `Some(None)` removes it.
#[derive(Debug, Clone, Default)]
pub struct RoleAccountChanges {
    /// What it is called.
    pub name: Option<Option<DisplayName>>,
    /// What it is for.
    pub description: Option<Option<Description>>,
    /// What its owner wrote beside it.
    pub metadata: Option<Metadata>,
    /// Its owner; none: administrators alone.
    pub owner: Option<Option<UserId>>,
}

/// The outcome of changing a role account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleAccountChange {
    /// It is changed.
    Changed,
    /// Its new owner is no person, or is disabled.
    UnknownOwner,
    /// There is no such role account.
    Unknown,
}

impl Changed for RoleAccountChange {
    fn changed(&self) -> bool {
        *self == Self::Changed
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = role_accounts)]
#[expect(clippy::option_option, reason = "what is absent stays, and null takes away")]
struct RowChanges {
    owner_id: Option<Option<String>>,
    description: Option<Option<String>>,
    metadata: Option<String>,
}

impl RowChanges {
    fn of(changes: &RoleAccountChanges) -> Option<Self> {
        let owner_id = changes.owner.as_ref().map(|owner| owner.as_ref().map(UserId::to_string));
        let description = changes.description.as_ref().map(|text| text.as_ref().map(Description::to_string));
        let metadata = changes.metadata.as_ref().map(write_metadata);
        let is_empty = owner_id.is_none() && description.is_none() && metadata.is_none();
        (!is_empty).then_some(Self { owner_id, description, metadata })
    }
}

impl Storage {
    /// Changes a role account.
    pub async fn change_role_account(
        &self,
        account: &UserId,
        changes: &RoleAccountChanges,
        event: &AuditEvent,
    ) -> Result<RoleAccountChange, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(account));
        let change = operation!(
            change_role_account(account = account.clone(), changes = changes.clone()),
            |connection| {
                let owner = changes.owner.as_ref().and_then(Option::as_ref);
                if !may_own(connection, owner).await? {
                    return Ok(RoleAccountChange::UnknownOwner);
                }
                let is_known = write_changes(connection, account, changes).await?;
                Ok(if is_known { RoleAccountChange::Changed } else { RoleAccountChange::Unknown })
            }
        );
        self.write_audited(event, change).await
    }
}

/// False when there is no such role account.
async fn write_changes(
    connection: &mut Connection,
    account: &UserId,
    changes: &RoleAccountChanges,
) -> Result<bool, OperationError> {
    let known = role_accounts::table.find(account.as_str());
    if query!(connection, |c| known.count().get_result::<i64>(c))? == 0 {
        return Ok(false);
    }
    if let Some(name) = &changes.name {
        let update = diesel::update(users::table.find(account.as_str()))
            .set(users::name.eq(name.as_ref().map(DisplayName::as_str)));
        query!(connection, |c| update.execute(c))?;
    }
    if let Some(changes) = RowChanges::of(changes) {
        let update = diesel::update(role_accounts::table.find(account.as_str())).set(&changes);
        query!(connection, |c| update.execute(c))?;
    }
    Ok(true)
}
