//! What happens beside the requests: new keys and what others change in the database are noticed, and what is long over is
//! deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use vestibule_domain::{Clock, with_causes};
use vestibule_storage::Storage;
use vestibule_tokens::{KeyRing, TokenService, dir_state};

use super::keys::KeyFolder;

/// Three times within the second in which all replicas have to agree.
const KEYS_EVERY: Duration = Duration::from_millis(300);
const CLEANUP_EVERY: Duration = Duration::from_secs(15 * 60);
const CLEANUP_BATCH: u32 = 1000;

/// The tasks that run until they are stopped.
pub(crate) struct Chores(Vec<JoinHandle<()>>);

impl Chores {
    pub(crate) fn stop(self) {
        for task in self.0 {
            task.abort();
        }
    }
}

/// Starts the chores of a service.
pub(crate) fn start(
    folder: Option<KeyFolder>,
    tokens: &Arc<TokenService>,
    storage: &Storage,
    clock: &Arc<dyn Clock>,
) -> Chores {
    let following = storage.clone();
    let mut tasks = vec![
        tokio::spawn(delete_ended(storage.clone(), Arc::clone(clock))),
        tokio::spawn(async move { following.follow_changes().await }),
    ];
    if let Some(folder) = folder {
        tasks.push(tokio::spawn(watch_keys(folder, Arc::clone(tokens), Arc::clone(clock))));
    }
    Chores(tasks)
}

/// Looks several times a second whether the folder has changed. A folder that cannot be used as it is changes nothing: the keys
/// in use stay in use, and the log says why.
async fn watch_keys(folder: KeyFolder, tokens: Arc<TokenService>, clock: Arc<dyn Clock>) {
    let KeyFolder { path, state: mut known } = folder;
    let mut ticks = interval(KEYS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let state = dir_state(&path).ok();
        if state == known {
            continue;
        }
        known = state;
        match KeyRing::load_dir(&path, clock.now()) {
            Ok(ring) => {
                tokens.replace_ring(ring);
                tracing::info!(signing = tokens.signing_key_id(), "the keys have changed");
            }
            Err(error) => {
                tracing::error!(%error, "the keys have changed and cannot be used; the earlier ones stay");
            }
        }
    }
}

async fn delete_ended(storage: Storage, clock: Arc<dyn Clock>) {
    let mut ticks = interval(CLEANUP_EVERY);
    loop {
        ticks.tick().await;
        match storage.delete_expired(clock.now(), CLEANUP_BATCH).await {
            Ok(rows) => tracing::debug!(?rows, "deleted what is long over"),
            Err(error) => tracing::warn!(error = with_causes(&error), "what is long over was not deleted"),
        }
    }
}
