//! Role accounts: users of the kind `role`, each with a row of its own. Disabling, enabling and deleting one is that of its user.

mod change;
mod create;
mod orphan;
mod row;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{RoleAccount, UserId, Username};

use crate::db::{operation, query};
use crate::error::{StorageError, optional};
use crate::role_accounts::row::{RoleAccountRow, read_role_account};
use crate::schema::{role_accounts, users};
use crate::storage::Storage;
use crate::users::row::UserRow;

pub use change::{RoleAccountChange, RoleAccountChanges};
pub use create::RoleAccountCreation;

pub(crate) use orphan::orphan_role_accounts;

impl Storage {
    /// Finds a role account by the id of its user, disabled or not.
    pub async fn find_role_account(&self, user: &UserId) -> Result<Option<RoleAccount>, StorageError> {
        let read = operation!(find_role_account(user), |connection| {
            let select = role_accounts::table.inner_join(users::table).filter(users::id.eq(user.as_str()));
            optional(query!(connection, |c| select
                .select((UserRow::as_select(), RoleAccountRow::as_select()))
                .get_result::<(UserRow, RoleAccountRow)>(c)))
        });
        self.db.read(read).await?.map(read_role_account).transpose()
    }

    /// Lists at most `limit` role accounts behind a username, disabled or not, in the order of their usernames: all, or those of one owner.
    pub async fn list_role_accounts(
        &self,
        owner: Option<&UserId>,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<RoleAccount>, StorageError> {
        let after = after.map_or("", Username::as_str);
        let read = operation!(list_role_accounts(owner, after, limit = i64::from(limit)), |connection| {
            query!(connection, |c| {
                let mut select = role_accounts::table
                    .inner_join(users::table)
                    .filter(users::username_key.gt(*after))
                    .select((UserRow::as_select(), RoleAccountRow::as_select()))
                    .order(users::username_key)
                    .limit(*limit)
                    .into_boxed();
                if let Some(owner) = owner {
                    select = select.filter(role_accounts::owner_id.eq(owner.as_str()));
                }
                select.load::<(UserRow, RoleAccountRow)>(c)
            })
        });
        self.db.read(read).await?.into_iter().map(read_role_account).collect()
    }
}
