//! Opens the database for the commands.

use vestibule_storage::{DatabaseUrl, Storage, StorageOptions};

use crate::error::CommandError;
use crate::serve::connect_storage;
use crate::settings::PeopleSettings;
use crate::settings::table::DATABASE_URL;

/// Opens a database that exists: a mistyped address must not look like a service without users.
pub(super) async fn open(url: &DatabaseUrl, dev: bool) -> Result<Storage, CommandError> {
    assert_exists(url)?;
    connect_storage(url, &StorageOptions::default(), dev).await
}

/// The same, for commands about users.
pub(super) async fn open_people(settings: &PeopleSettings, dev: bool) -> Result<Storage, CommandError> {
    let storage = open(&settings.database, dev).await?;
    Ok(storage.with_providers(settings.providers.clone()).with_session_limits(settings.session_limits))
}

/// Checks that the file of SQLite exists. PostgreSQL answers for itself.
pub(super) fn assert_exists(url: &DatabaseUrl) -> Result<(), CommandError> {
    match url.file().filter(|file| !file.exists()) {
        Some(file) => {
            let (setting, file) = (DATABASE_URL.name(), file.display());
            Err(CommandError::new(format_args!("{setting}: there is no database at {file}")))
        }
        None => Ok(()),
    }
}
