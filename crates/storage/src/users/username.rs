//! The choice of a username.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, UserId, Username};

use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::{StorageError, UniqueRule};
use crate::schema::users;
use crate::storage::Storage;

/// The outcome of choosing a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameChoice {
    /// The user has it now.
    Chosen,
    /// The user already had one, and keeps it.
    AlreadyChosen,
    /// Another user has it.
    Taken,
    /// The user does not exist or is disabled.
    UnknownUser,
}

impl Changed for Option<UsernameChoice> {
    fn changed(&self) -> bool {
        *self == Some(UsernameChoice::Chosen)
    }
}

impl Storage {
    /// Gives a user the username that they chose, if they have none and no other user has it.
    pub async fn choose_username(
        &self,
        user: &UserId,
        username: &Username,
        event: &AuditEvent,
    ) -> Result<UsernameChoice, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        let change =
            operation!(choose_username(user = user.clone(), username = username.clone()), |connection| {
                let update = diesel::update(users::table.find(user.as_str()))
                    .filter(users::username_key.is_null())
                    .filter(users::disabled_at.is_null())
                    .set((users::username.eq(username.as_str()), users::username_key.eq(username.as_str())));
                match query!(connection, |c| update.execute(c)) {
                    Ok(0) => Ok(None),
                    Ok(_) => Ok(Some(UsernameChoice::Chosen)),
                    Err(failure) if UniqueRule::Username.is_violated(&failure) => {
                        Ok(Some(UsernameChoice::Taken))
                    }
                    Err(failure) => Err(failure),
                }
            });
        let chosen = self.write_audited(event, change).await?;
        match chosen {
            Some(choice) => Ok(choice),
            None => Ok(match self.find_user(user).await? {
                Some(user) if user.disabled_at.is_none() => UsernameChoice::AlreadyChosen,
                Some(_) | None => UsernameChoice::UnknownUser,
            }),
        }
    }
}
