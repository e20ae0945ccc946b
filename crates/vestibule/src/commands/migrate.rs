//! `vestibule migrate`.

use super::support::{block_on, say};
use crate::error::CommandError;
use crate::settings::table::DATABASE_URL;
use crate::settings::{Settings, Sources};

pub(crate) fn migrate(sources: &Sources) -> Result<(), CommandError> {
    let url = Settings::read_database(sources)?;
    let applied = block_on(async {
        let storage =
            vestibule_storage::Storage::connect(&url, &vestibule_storage::StorageOptions::default());
        let storage = storage.map_err(CommandError::while_doing(DATABASE_URL.name()))?;
        storage.migrate().await.map_err(CommandError::while_doing(DATABASE_URL.name()))
    })?;
    if applied.is_empty() {
        return say(format_args!("{url}: up to date"));
    }
    applied.iter().try_for_each(|name| say(format_args!("{url}: applied {name}")))
}
