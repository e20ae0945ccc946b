//! New role accounts.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, Description, DisplayName, RoleAccount, UserId, UserKind, Username};

use crate::api_tokens::write_metadata;
use crate::audit::Changed;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError, UniqueRule};
use crate::schema::{role_accounts, users};
use crate::storage::Storage;
use crate::users::lock::lock_user;
use crate::users::row::write_attributes;

/// The outcome of making a role account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleAccountCreation {
    /// It is there.
    Created,
    /// Another user has its username.
    UsernameTaken,
    /// Its owner is no person, or is disabled.
    UnknownOwner,
    /// Its owner has too many.
    LimitReached,
}

impl Changed for RoleAccountCreation {
    fn changed(&self) -> bool {
        *self == Self::Created
    }
}

/// For the version of the program that compares a moment: a new user has no token to revoke.
const NOTHING_REVOKED: i64 = 0;

impl Storage {
    /// Makes a role account, with its user. Of one owner there are at most so many.
    pub async fn create_role_account(
        &self,
        account: &RoleAccount,
        most: u32,
        event: &AuditEvent,
    ) -> Result<RoleAccountCreation, StorageError> {
        let change = operation!(create_role_account(account = account.clone(), most), |connection| {
            match room_of(connection, account.owner.as_ref(), &account.user.id, *most).await? {
                Room::Left => {}
                Room::None => return Ok(RoleAccountCreation::LimitReached),
                Room::UnknownOwner => return Ok(RoleAccountCreation::UnknownOwner),
            }
            match insert_user(connection, account).await {
                Err(failure) if UniqueRule::Username.is_violated(&failure) => {
                    return Ok(RoleAccountCreation::UsernameTaken);
                }
                outcome => outcome?,
            }
            insert_account(connection, account).await?;
            Ok(RoleAccountCreation::Created)
        });
        self.write_audited(event, change).await
    }
}

/// Whether somebody can own one more role account.
pub(super) enum Room {
    Left,
    /// The owner has as many as there may be.
    None,
    /// It is no person, or one who is disabled.
    UnknownOwner,
}

/// The room that an owner has for this account: administrators, who are named by nothing, have as much as they like, and a person who is
/// not disabled for at most so many. The lock of the owner's row orders those that come at once.
pub(super) async fn room_of(
    connection: &mut Connection,
    owner: Option<&UserId>,
    account: &UserId,
    most: u32,
) -> Result<Room, OperationError> {
    let Some(owner) = owner else { return Ok(Room::Left) };
    let found = lock_user(connection, owner.as_str()).await?;
    if found.is_none_or(|user| user.kind != UserKind::Person || user.disabled_at.is_some()) {
        return Ok(Room::UnknownOwner);
    }
    let others = role_accounts::table
        .filter(role_accounts::owner_id.eq(owner.as_str()))
        .filter(role_accounts::user_id.ne(account.as_str()))
        .select(count_star());
    let count = query!(connection, |c| others.get_result::<i64>(c))?;
    Ok(if count < i64::from(most) { Room::Left } else { Room::None })
}

async fn insert_user(connection: &mut Connection, account: &RoleAccount) -> Result<(), OperationError> {
    let user = &account.user;
    let username = user.username.as_ref().map(Username::as_str);
    let insert = diesel::insert_into(users::table).values((
        users::id.eq(user.id.as_str()),
        users::kind.eq(UserKind::Role.as_str()),
        users::username.eq(username),
        users::username_key.eq(username),
        users::name.eq(user.name.as_ref().map(DisplayName::as_str)),
        users::attributes.eq(write_attributes(&user.attributes)),
        users::join_date.eq(user.join_date.micros()),
        users::tokens_valid_after.eq(NOTHING_REVOKED),
    ));
    query!(connection, |c| insert.execute(c)).map(drop)
}

async fn insert_account(connection: &mut Connection, account: &RoleAccount) -> Result<(), OperationError> {
    let insert = diesel::insert_into(role_accounts::table).values((
        role_accounts::user_id.eq(account.user.id.as_str()),
        role_accounts::owner_id.eq(account.owner.as_ref().map(UserId::as_str)),
        role_accounts::description.eq(account.description.as_ref().map(Description::as_str)),
        role_accounts::metadata.eq(write_metadata(&account.metadata)),
        role_accounts::created_at.eq(account.created_at.micros()),
        role_accounts::created_by.eq(account.created_by.as_str()),
    ));
    query!(connection, |c| insert.execute(c)).map(drop)
}
