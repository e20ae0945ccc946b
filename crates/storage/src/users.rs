//! Users: finding, changing, disabling and deleting them.

pub(crate) mod context;
mod delete;
pub(crate) mod lock;
mod patch;
pub(crate) mod row;
pub(crate) mod standing;
mod username;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, EmailAddress, Timestamp, User, UserId, UserKind, Username};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::identities::row::{IdentityRow, first_trusted};
use crate::schema::{identities, lower, users};
use crate::storage::Storage;
use crate::users::row::{UserRow, read_user, with_trusted_email};
use crate::users::standing::{disable, enable};

pub use patch::PatchedUser;
pub use username::UsernameChoice;

/// Selects a user with each identity, as far as it decides what is trusted. A macro, because what is selected differs between the
/// databases.
macro_rules! with_identities {
    ($user:expr) => {
        users::table
            .left_join(identities::table.on(identities::user_id.eq(users::id)))
            .filter($user)
            .select((UserRow::as_select(), Option::<IdentityRow>::as_select()))
    };
}

impl Storage {
    /// Finds a user by id, disabled or not. The user has an address only if a trusted identity verifies it.
    pub async fn find_user(&self, user: &UserId) -> Result<Option<User>, StorageError> {
        let read = operation!(find_user(user), |connection| {
            query!(connection, |c| with_identities!(users::id.eq(user.as_str()))
                .load::<(UserRow, Option<IdentityRow>)>(c))
        });
        let rows = self.db.read(read);
        read_user(rows.await?, &self.providers)
    }

    /// Finds a person who is not disabled and has an identity of a trusted provider, as at a sign-in; with the one of those that was used
    /// last, as `provider:subject`.
    pub async fn find_live_person(&self, user: &UserId) -> Result<Option<(User, String)>, StorageError> {
        let read = operation!(find_live_person(user), |connection| {
            let person = users::id
                .eq(user.as_str())
                .and(users::kind.eq(UserKind::Person.as_str()))
                .and(users::disabled_at.is_null());
            let order = (identities::last_used_at.desc(), identities::issuer, identities::subject);
            query!(connection, |c| with_identities!(person)
                .order(order)
                .load::<(UserRow, Option<IdentityRow>)>(c))
        });
        let rows = self.db.read(read).await?;
        let stated: Vec<IdentityRow> = rows.iter().filter_map(|(_, stated)| stated.clone()).collect();
        let used_last = first_trusted(&stated, &self.providers);
        Ok(read_user(rows, &self.providers)?.zip(used_last))
    }

    /// Finds a user by username, disabled or not. The user has an address only if a trusted identity verifies it.
    pub async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StorageError> {
        let read = operation!(find_user_by_username(username), |connection| {
            query!(connection, |c| with_identities!(users::username_key.eq(username.as_str())).load::<(
                UserRow,
                Option<IdentityRow>
            )>(
                c
            ))
        });
        let rows = self.db.read(read);
        read_user(rows.await?, &self.providers)
    }

    /// Finds the users, disabled or not, with an identity that states this address as verified, by their ids. Whether a provider is
    /// trusted was decided at the identity's last sign-in.
    pub async fn find_users_by_email(&self, address: &EmailAddress) -> Result<Vec<User>, StorageError> {
        let read = operation!(find_users_by_email(address), |connection| {
            let verified = identities::table
                .filter(identities::email_verified.eq(true))
                .filter(lower(identities::email).eq(Some(address.key())))
                .select(identities::user_id);
            let found = users::table.filter(users::id.eq_any(verified)).order(users::id);
            query!(connection, |c| found.select(UserRow::as_select()).load::<UserRow>(c))
        });
        self.db.read(read).await?.into_iter().map(User::try_from).collect()
    }

    /// Lists at most `limit` users with ids after `after`, ordered by id. Addresses are as in [`Storage::find_user`].
    pub async fn list_users(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<User>, StorageError> {
        let after = after.map_or("", UserId::as_str);
        let read = operation!(list_users(after, limit), |connection| {
            let page = users::table.filter(users::id.gt(after)).order(users::id).limit(i64::from(*limit));
            let rows = query!(connection, |c| page.select(UserRow::as_select()).load::<UserRow>(c))?;
            let ids: Vec<&str> = rows.iter().map(UserRow::id).collect();
            let of_page = identities::table.filter(identities::user_id.eq_any(ids));
            let stated = query!(connection, |c| of_page
                .select((identities::user_id, IdentityRow::as_select()))
                .load::<(String, IdentityRow)>(c))?;
            Ok((rows, stated))
        });
        let (rows, stated) = self.db.read(read).await?;
        let mut by_user: HashMap<String, Vec<IdentityRow>> = HashMap::new();
        for (user, row) in stated {
            by_user.entry(user).or_default().push(row);
        }
        rows.into_iter()
            .map(User::try_from)
            .map(|user| {
                let user = user?;
                let stated = by_user.remove(user.id.as_str()).unwrap_or_default();
                Ok(with_trusted_email(user, &stated, &self.providers))
            })
            .collect()
    }

    /// Disables a user. All sessions and tokens of a person end: enabling later does not bring them back. The tokens of a role account
    /// count again when it is enabled.
    /// False when there is no such user, or it was disabled before.
    pub async fn disable_user(
        &self,
        user: &UserId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change = operation!(disable_user(user = user.clone(), now), |connection| {
            disable(connection, user, *now).await
        });
        self.write_audited(event, change).await
    }

    /// Lets a disabled user sign in again. False when there is no such user, or it was not disabled.
    pub async fn enable_user(&self, user: &UserId, event: &AuditEvent) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change =
            operation!(enable_user(user = user.clone()), |connection| enable(connection, user).await);
        self.write_audited(event, change).await
    }
}
