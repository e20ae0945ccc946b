//! `vestibule backup`. It leaves the schema alone: the copy that is taken before an upgrade is one of the old schema.

use std::path::Path;

use vestibule_storage::{Storage, StorageOptions};

use super::database::assert_exists;
use super::support::{block_on, say};
use crate::error::CommandError;
use crate::settings::table::DATABASE_URL;
use crate::settings::{Settings, Sources};

pub(crate) fn backup(sources: &Sources, file: &Path) -> Result<(), CommandError> {
    let url = Settings::read_database(sources)?;
    assert_exists(&url)?;
    block_on(async {
        let storage = Storage::connect(&url, &StorageOptions::default());
        let storage = storage.map_err(CommandError::while_doing(DATABASE_URL.name()))?;
        storage.back_up(file).await.map_err(CommandError::while_doing("the backup"))
    })?;
    say(format_args!("{url}: copied to {}", file.display()))
}
