//! What the commands that work on the database share.

use vestibule_domain::{User, UserId, Username};
use vestibule_storage::{DatabaseUrl, Storage};

use crate::failure::Failure;
use crate::serve::connect_storage;

/// What failed when it was the database.
pub(super) const DATABASE: &str = "the database";

/// Opens what is there: a mistyped address must not look like a service without users.
pub(super) async fn open(url: &DatabaseUrl, dev: bool) -> Result<Storage, Failure> {
    assert_exists(url)?;
    connect_storage(url, dev).await
}

/// SQLite's file is there. Whether PostgreSQL is shows when it is asked.
pub(super) fn assert_exists(url: &DatabaseUrl) -> Result<(), Failure> {
    match url.file().filter(|file| !file.exists()) {
        Some(file) => {
            Err(Failure::new(format_args!("DATABASE_URL: there is no database at {}", file.display())))
        }
        None => Ok(()),
    }
}

/// By id first, which cannot be mistaken; then by username.
pub(super) async fn find_user(storage: &Storage, id_or_name: &str) -> Result<User, Failure> {
    if let Ok(id) = UserId::parse(id_or_name)
        && let Some(user) = storage.find_user(&id).await.map_err(Failure::while_doing(DATABASE))?
    {
        return Ok(user);
    }
    if let Ok(username) = Username::parse(id_or_name)
        && let Some(user) =
            storage.find_user_by_username(&username).await.map_err(Failure::while_doing(DATABASE))?
    {
        return Ok(user);
    }
    Err(Failure::new(format_args!("no user has the id or username {id_or_name:?}")))
}
