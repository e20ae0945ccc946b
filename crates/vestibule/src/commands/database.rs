//! What the commands that work on the database share.

use vestibule_storage::{DatabaseUrl, Storage, StorageOptions};

use crate::error::CommandError;
use crate::serve::connect_storage;
use crate::settings::PeopleSettings;

/// What failed when it was the database.
pub(super) const DATABASE: &str = "the database";

/// Opens what is there: a mistyped address must not look like a service without users.
pub(super) async fn open(url: &DatabaseUrl, dev: bool) -> Result<Storage, CommandError> {
    assert_exists(url)?;
    connect_storage(url, &StorageOptions::default(), dev).await
}

/// The same, to say who somebody is.
pub(super) async fn open_people(settings: &PeopleSettings, dev: bool) -> Result<Storage, CommandError> {
    Ok(open(&settings.database, dev).await?.counting(settings.providers.clone()))
}

/// SQLite's file is there. Whether PostgreSQL is shows when it is asked.
pub(super) fn assert_exists(url: &DatabaseUrl) -> Result<(), CommandError> {
    match url.file().filter(|file| !file.exists()) {
        Some(file) => {
            Err(CommandError::new(format_args!("DATABASE_URL: there is no database at {}", file.display())))
        }
        None => Ok(()),
    }
}
