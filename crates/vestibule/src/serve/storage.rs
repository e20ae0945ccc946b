//! The database of a run.

use std::time::{Duration, Instant};

use vestibule_domain::with_causes;
use vestibule_storage::{DatabaseUrl, Storage, StorageError, StorageOptions};

use crate::error::CommandError;

/// How long the start waits for a database that is not there yet, as when both are started together.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// Connects and brings the schema up to date.
pub(crate) async fn connect(
    url: &DatabaseUrl,
    options: &StorageOptions,
    dev: bool,
) -> Result<Storage, CommandError> {
    if dev {
        std::fs::create_dir_all("var").map_err(CommandError::while_doing("DATABASE_URL: the folder var"))?;
    }
    let storage = Storage::connect(url, options).map_err(CommandError::while_doing("DATABASE_URL"))?;
    migrate_patiently(&storage).await.map_err(CommandError::while_doing("DATABASE_URL"))?;
    Ok(storage)
}

async fn migrate_patiently(storage: &Storage) -> Result<Vec<String>, StorageError> {
    let started = Instant::now();
    loop {
        match storage.migrate().await {
            Err(error) if error.is_unavailable() && started.elapsed() < PATIENCE => {
                tracing::warn!(error = with_causes(&error), "the database does not answer yet");
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}
