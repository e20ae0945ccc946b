//! Finds the user that an administrator names.

use vestibule_domain::{User, UserId, Username, looks_like_user_id};

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

    /// Finds the id of a user who may be deleted.
    pub async fn find_user_id(&self, named: &NamedUser) -> Result<UserId, AdminError> {
        match named {
            NamedUser::Id(id) => Ok(id.clone()),
            NamedUser::Either(text) => match (self.find_by_either(text).await?, UserId::parse(text)) {
                (Some(user), _) => Ok(user.id),
                (None, Ok(id)) => Ok(id),
                (None, Err(_)) => Err(AdminError::UnknownUser(named.clone())),
            },
            NamedUser::Username(_) => Ok(self.find_user(named).await?.id),
        }
    }

    /// Finds a user by id or by username. A text that may mean two users is refused: a username may have been chosen to be
    /// mistaken for an id.
    async fn find_by_either(&self, text: &str) -> Result<Option<User>, AdminError> {
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
}
