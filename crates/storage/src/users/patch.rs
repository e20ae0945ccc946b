//! What extensions change about a user.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AvatarUrl, DisplayName, PatchError, User, UserId, UserPatch};

use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::users;
use crate::storage::Storage;
use crate::users::lock::lock_user;
use crate::users::row::write_attributes;

/// A user after patches.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchedUser {
    /// The user as it is now.
    pub user: User,
    /// Of which patches, counted from 0, a part was left out, and why.
    pub refused: Vec<(usize, PatchError)>,
}

impl Storage {
    /// Applies patches in order, with the user's row locked. `None` when there is no such user.
    pub async fn patch_user(
        &self,
        user: &UserId,
        patches: Vec<UserPatch>,
    ) -> Result<Option<PatchedUser>, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let transaction = operation!(patch_user(user = user.clone(), patches), |connection| {
            let Some(before) = lock_user(connection, user.as_str()).await? else { return Ok(None) };
            let mut user = before.clone();
            let applied = patches.iter().map(|patch| patch.apply(&mut user)).enumerate();
            let refused = applied.filter_map(|(number, outcome)| Some((number, outcome.err()?))).collect();
            if user != before {
                write(connection, &user).await?;
            }
            Ok(Some(PatchedUser { user, refused }))
        });
        self.db.transaction(transaction).await
    }
}

async fn write(connection: &mut Connection, user: &User) -> Result<(), OperationError> {
    let update = diesel::update(users::table.find(user.id.as_str())).set((
        users::name.eq(user.name.as_ref().map(DisplayName::as_str)),
        users::avatar_url.eq(user.avatar_url.as_ref().map(AvatarUrl::as_str)),
        users::attributes.eq(write_attributes(&user.attributes)),
    ));
    query!(connection, |c| update.execute(c)).map(drop)
}
