//! Role accounts that are renamed, described anew, given to another owner, disabled or enabled: all that is asked for, or nothing.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, AuditName, Description, DisplayName, Metadata, UserId};

use crate::api_tokens::write_metadata;
use crate::audit::{self, Changed};
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::role_accounts::create::{Room, room_of};
use crate::schema::{role_accounts, users};
use crate::storage::Storage;
use crate::users::standing::{disable, enable};

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
    /// Whether it is disabled.
    pub disabled: Option<bool>,
}

impl RoleAccountChanges {
    /// Whether they are about anything but whether it is disabled.
    pub fn describe(&self) -> bool {
        let Self { name, description, metadata, owner, disabled: _ } = self;
        name.is_some() || description.is_some() || metadata.is_some() || owner.is_some()
    }
}

/// The outcome of changing a role account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleAccountChange {
    /// It is changed.
    Changed,
    /// Its new owner is no person, or is disabled.
    UnknownOwner,
    /// Its new owner has too many.
    LimitReached,
    /// There is no such role account.
    Unknown,
}

/// What became of the changes.
struct Outcome {
    change: RoleAccountChange,
    /// Whether the event of the change is true.
    is_described: bool,
    /// That it was disabled or enabled, which is an event of its own.
    switched: Option<AuditEvent>,
}

impl Outcome {
    fn refused(change: RoleAccountChange) -> Self {
        Self { change, is_described: false, switched: None }
    }
}

impl Changed for Outcome {
    fn changed(&self) -> bool {
        self.is_described
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
    /// Changes a role account. Of one owner there are at most so many. Whether it was disabled or enabled is an event beside the one
    /// that is given, which is recorded where anything else was changed.
    pub async fn change_role_account(
        &self,
        account: &UserId,
        changes: &RoleAccountChanges,
        most: u32,
        event: &AuditEvent,
    ) -> Result<RoleAccountChange, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(account));
        let change = operation!(
            change_role_account(
                account = account.clone(),
                changes = changes.clone(),
                most,
                event = event.clone()
            ),
            |connection| {
                let owner = changes.owner.as_ref().and_then(Option::as_ref);
                match room_of(connection, owner, account, *most).await? {
                    Room::Left => {}
                    Room::None => return Ok(Outcome::refused(RoleAccountChange::LimitReached)),
                    Room::UnknownOwner => return Ok(Outcome::refused(RoleAccountChange::UnknownOwner)),
                }
                if !write_changes(connection, account, changes).await? {
                    return Ok(Outcome::refused(RoleAccountChange::Unknown));
                }
                let switched = switch(connection, account, changes.disabled, event).await?;
                Ok(Outcome { change: RoleAccountChange::Changed, is_described: changes.describe(), switched })
            }
        );
        let Outcome { change, switched, .. } = self.write_audited(event, change).await?;
        switched.iter().for_each(audit::log_audit_event);
        Ok(change)
    }
}

/// Disables or enables it, and records that; nothing where it is so already.
async fn switch(
    connection: &mut Connection,
    account: &UserId,
    disabled: Option<bool>,
    event: &AuditEvent,
) -> Result<Option<AuditEvent>, OperationError> {
    let (is_switched, name) = match disabled {
        None => return Ok(None),
        Some(true) => (disable(connection, account, event.at).await?, AuditName::RoleAccountDisabled),
        Some(false) => (enable(connection, account).await?, AuditName::RoleAccountEnabled),
    };
    if !is_switched {
        return Ok(None);
    }
    let switched =
        AuditEvent::new(name, event.actor.clone(), event.at).for_user(account).from_client(&event.client);
    audit::insert(connection, &switched).await?;
    Ok(Some(switched))
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
