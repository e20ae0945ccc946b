//! Finds the user that a command line names.

use vestibule_domain::{User, UserId, Username, looks_like_user_id};
use vestibule_storage::Storage;

use super::database::DATABASE;
use crate::arguments::NamedUser;
use crate::error::CommandError;

/// Finds the user, who must exist.
pub(super) async fn find_user(storage: &Storage, named: Option<NamedUser>) -> Result<User, CommandError> {
    match named {
        None => Err(CommandError::new("which user? An id or username, --id or --username says it")),
        Some(NamedUser::Either(text)) => search(storage, &text)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the id or username {text:?}"))),
        Some(NamedUser::Id(id)) => find_by_id(storage, &id)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the id {:?}", id.as_str()))),
        Some(NamedUser::Username(name)) => find_by_username(storage, &name)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the username {:?}", name.as_str()))),
    }
}

/// Finds the id of a user who may be deleted; `None` if the command line names no user.
pub(super) async fn find_user_id(
    storage: &Storage,
    named: Option<NamedUser>,
) -> Result<Option<UserId>, CommandError> {
    match named {
        None => Ok(None),
        Some(NamedUser::Id(id)) => Ok(Some(id)),
        Some(NamedUser::Either(text)) if UserId::parse(&text).is_ok() => {
            match search(storage, &text).await? {
                Some(user) => Ok(Some(user.id)),
                None => Ok(UserId::parse(&text).ok()),
            }
        }
        named => Ok(Some(find_user(storage, named).await?.id)),
    }
}

/// A user as commands print one: id, username and name.
pub(super) fn describe_user(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", Username::as_str);
    let name = user.name.as_ref().map_or("-", |name| name.as_str());
    format!("{} ({username}, {name})", user.id)
}

/// Finds a user by id or by username. A text that may mean two users is refused: a username may have been chosen to be mistaken for
/// an id.
async fn search(storage: &Storage, text: &str) -> Result<Option<User>, CommandError> {
    let by_id = match UserId::parse(text) {
        Ok(id) => find_by_id(storage, &id).await?,
        Err(_) => None,
    };
    let by_name = match Username::from_stored(&text.to_ascii_lowercase()) {
        Ok(name) => find_by_username(storage, &name).await?,
        Err(_) => None,
    };
    match (by_id, by_name) {
        (Some(user), Some(other)) if user.id != other.id => Err(CommandError::new(format_args!(
            "{text:?} is the id of {} and the username of {}; --id or --username says which is meant",
            describe_user(&user),
            describe_user(&other)
        ))),
        (None, Some(user)) if looks_like_user_id(text) => Err(CommandError::new(format_args!(
            "{text:?} looks like an id, but no user has it; it is the username of {}; --id or --username says which is meant",
            describe_user(&user)
        ))),
        (by_id, by_name) => Ok(by_id.or(by_name)),
    }
}

async fn find_by_id(storage: &Storage, id: &UserId) -> Result<Option<User>, CommandError> {
    storage.find_user(id).await.map_err(CommandError::while_doing(DATABASE))
}

async fn find_by_username(storage: &Storage, name: &Username) -> Result<Option<User>, CommandError> {
    storage.find_user_by_username(name).await.map_err(CommandError::while_doing(DATABASE))
}
