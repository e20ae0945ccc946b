//! Finds the user that an administrator names.

use vestibule_domain::{EmailAddress, User, UserId, Username, looks_like_user_id};
use vestibule_storage::AuditFilter;

use super::administration::Administration;
use super::error::AdminError;
use super::named::NamedUser;

impl Administration<'_> {
    /// Finds a user, who must exist.
    pub async fn find_user(&self, named: &NamedUser) -> Result<User, AdminError> {
        let found = match named {
            NamedUser::Either(text) => self.find_by_either(text).await?,
            NamedUser::Id(id) => self.storage().find_user(id).await?,
            NamedUser::Username(name) => self.storage().find_user_by_username(name).await?,
        };
        found.ok_or_else(|| AdminError::UnknownUser(named.clone()))
    }

    /// Finds the id of a user who may be deleted: then the audit trail still speaks of it.
    pub async fn find_user_id(&self, named: &NamedUser) -> Result<UserId, AdminError> {
        let id = match self.find_user(named).await {
            Ok(user) => return Ok(user.id),
            Err(AdminError::UnknownUser(NamedUser::Id(id))) => Some(id),
            Err(AdminError::UnknownUser(NamedUser::Either(text))) => UserId::parse(&text).ok(),
            Err(error) => return Err(error),
        };
        match id {
            Some(id) if self.has_events(&id).await? => Ok(id),
            _ => Err(AdminError::UnknownUser(named.clone())),
        }
    }

    async fn has_events(&self, user: &UserId) -> Result<bool, AdminError> {
        let filter = AuditFilter { user: Some(user), name: None, since: None };
        Ok(!self.storage().list_audit_events(filter, None, 1).await?.is_empty())
    }

    /// Finds a user by id, by username or by a verified address. A text that may mean two users is refused: a username may have been
    /// chosen to be mistaken for an id.
    async fn find_by_either(&self, text: &str) -> Result<Option<User>, AdminError> {
        // No username has it, and no id that we make.
        if let (true, Ok(address)) = (text.contains('@'), EmailAddress::parse(text)) {
            return self.find_by_address(&address).await;
        }
        let by_id = match UserId::parse(text) {
            Ok(id) => self.storage().find_user(&id).await?,
            Err(_) => None,
        };
        let by_username = match Username::from_stored(&text.to_ascii_lowercase()) {
            Ok(name) => self.storage().find_user_by_username(&name).await?,
            Err(_) => None,
        };
        match (by_id, by_username) {
            (Some(user), Some(other)) if user.id != other.id => Err(AdminError::AmbiguousUser {
                text: text.to_owned(),
                by_id: Box::new(user),
                by_username: Box::new(other),
            }),
            (None, Some(user)) if looks_like_user_id(text) => {
                Err(AdminError::UsernameLikeId { text: text.to_owned(), user: Box::new(user) })
            }
            (by_id, by_username) => Ok(by_id.or(by_username)),
        }
    }

    /// Finds the one user for whom this address is verified.
    async fn find_by_address(&self, address: &EmailAddress) -> Result<Option<User>, AdminError> {
        let mut users = self.storage().find_users_by_email(address).await?;
        match (users.pop(), users.is_empty()) {
            (found, true) => Ok(found),
            (last, false) => {
                users.extend(last);
                Err(AdminError::AmbiguousAddress { text: address.as_str().to_owned(), users })
            }
        }
    }
}
