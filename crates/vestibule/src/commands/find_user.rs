//! Whom a command line means.

use vestibule_domain::{User, UserId, Username, looks_like_user_id};
use vestibule_storage::Storage;

use super::database::DATABASE;
use crate::arguments::NamedUser;
use crate::error::CommandError;

/// Finds whoever is named, who must be there.
pub(super) async fn find_user(storage: &Storage, named: Option<NamedUser>) -> Result<User, CommandError> {
    match named {
        None => Err(CommandError::new("which user? An id or username, --id or --username says it")),
        Some(NamedUser::Either(text)) => search(storage, &text)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the id or username {text:?}"))),
        Some(NamedUser::Id(id)) => by_id(storage, &id)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the id {:?}", id.as_str()))),
        Some(NamedUser::Username(name)) => by_username(storage, &name)
            .await?
            .ok_or_else(|| CommandError::new(format_args!("no user has the username {:?}", name.as_str()))),
    }
}

/// The same for what is kept about somebody who may be no more. Nobody named is nobody.
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

/// Whom a command has found: id, username and name.
pub(super) fn whom(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", Username::as_str);
    let name = user.name.as_ref().map_or("-", |name| name.as_str());
    format!("{} ({username}, {name})", user.id)
}

/// By id or by username. A text that may mean two is refused: the username may have been chosen in order to be mistaken.
async fn search(storage: &Storage, text: &str) -> Result<Option<User>, CommandError> {
    let of_id = match UserId::parse(text) {
        Ok(id) => by_id(storage, &id).await?,
        Err(_) => None,
    };
    let of_name = match Username::from_stored(&text.to_ascii_lowercase()) {
        Ok(name) => by_username(storage, &name).await?,
        Err(_) => None,
    };
    match (of_id, of_name) {
        (Some(user), Some(other)) if user.id != other.id => Err(CommandError::new(format_args!(
            "{text:?} is the id of {} and the username of {}; --id or --username says which is meant",
            whom(&user),
            whom(&other)
        ))),
        (None, Some(user)) if looks_like_user_id(text) => Err(CommandError::new(format_args!(
            "{text:?} looks like an id and is nobody's; it is the username of {}; --id or --username says which is meant",
            whom(&user)
        ))),
        (of_id, of_name) => Ok(of_id.or(of_name)),
    }
}

async fn by_id(storage: &Storage, id: &UserId) -> Result<Option<User>, CommandError> {
    storage.find_user(id).await.map_err(CommandError::while_doing(DATABASE))
}

async fn by_username(storage: &Storage, name: &Username) -> Result<Option<User>, CommandError> {
    storage.find_user_by_username(name).await.map_err(CommandError::while_doing(DATABASE))
}
