//! The connection to the database.

use std::time::{Duration, Instant};

use vestibule_domain::error_chain;
use vestibule_storage::{DatabaseUrl, Storage, StorageError, StorageOptions};

use crate::error::CommandError;
use crate::settings::table::DATABASE_URL;

/// How long the start waits for a database that does not answer yet, as when both are started together.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Connects and brings the schema up to date.
pub(crate) async fn connect(
    url: &DatabaseUrl,
    options: &StorageOptions,
    dev: bool,
) -> Result<Storage, CommandError> {
    let setting = DATABASE_URL.name();
    if dev {
        let folder = std::fs::create_dir_all("var");
        folder.map_err(CommandError::while_doing(&format!("{setting}: the folder var")))?;
    }
    let storage = Storage::connect(url, options).map_err(CommandError::while_doing(setting))?;
    migrate_with_retries(&storage).await.map_err(CommandError::while_doing(setting))?;
    Ok(storage)
}

async fn migrate_with_retries(storage: &Storage) -> Result<Vec<String>, StorageError> {
    let started = Instant::now();
    loop {
        match storage.migrate().await {
            Err(error) if error.is_unavailable() && started.elapsed() < START_TIMEOUT => {
                tracing::warn!(error = error_chain(&error), "the database does not answer yet");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            outcome => return outcome,
        }
    }
}
