//! The rows of `role_accounts`, and the way from them to the domain.

use diesel::prelude::*;
use vestibule_domain::{Description, RoleAccount, Timestamp, User, UserId};

use crate::api_tokens::read_metadata;
use crate::error::StorageError;
use crate::schema::role_accounts;
use crate::users::row::UserRow;

#[derive(Queryable, Selectable)]
#[diesel(table_name = role_accounts)]
pub(crate) struct RoleAccountRow {
    owner_id: Option<String>,
    description: Option<String>,
    metadata: String,
    created_at: i64,
    created_by: String,
}

/// The role account of two rows.
pub(crate) fn read_role_account((user, row): (UserRow, RoleAccountRow)) -> Result<RoleAccount, StorageError> {
    let wrong = StorageError::InvalidValue;
    let description = row.description.as_deref().map(Description::parse).transpose();
    Ok(RoleAccount {
        user: User::try_from(user)?,
        owner: row.owner_id.map(UserId::try_from).transpose().map_err(|_| wrong("role_accounts.owner_id"))?,
        description: description.map_err(|_| wrong("role_accounts.description"))?,
        metadata: read_metadata(&row.metadata).ok_or(wrong("role_accounts.metadata"))?,
        created_at: Timestamp::from_micros(row.created_at),
        created_by: row.created_by,
    })
}
