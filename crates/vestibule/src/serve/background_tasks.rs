//! What happens beside the requests: new keys and what others change in the database are noticed, and what is long over is
//! deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, Timestamp, with_causes};
use vestibule_storage::{Storage, StorageError};
use vestibule_tokens::{KeyRing, TokenService, dir_state};

use super::audit::Trail;
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
pub(super) fn start(
    folder: Option<KeyFolder>,
    tokens: &Arc<TokenService>,
    storage: &Storage,
    clock: &Arc<dyn Clock>,
    audit_retention: Duration,
) -> Chores {
    let following = storage.clone();
    let mut tasks = vec![
        tokio::spawn(delete_ended(storage.clone(), Arc::clone(clock))),
        tokio::spawn(delete_old_events(storage.clone(), Arc::clone(clock), audit_retention)),
        tokio::spawn(async move { following.follow_changes().await }),
    ];
    if let Some(folder) = folder {
        let trail = Trail::new(storage, clock);
        tasks.push(tokio::spawn(watch_keys(folder, Arc::clone(tokens), Arc::clone(clock), trail)));
    }
    Chores(tasks)
}

/// Looks several times a second whether the folder has changed. A folder that cannot be used as it is changes nothing: the keys
/// in use stay in use, and the log says why.
async fn watch_keys(folder: KeyFolder, tokens: Arc<TokenService>, clock: Arc<dyn Clock>, trail: Trail) {
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
                let before = key_ids(&tokens);
                tokens.replace_ring(ring);
                tracing::info!(signing = tokens.signing_key_id(), "the keys have changed");
                let after = key_ids(&tokens);
                let tell = |event| tell_of_keys(event, &before, &after, &tokens.signing_key_id());
                trail.tell(AuditName::KeysChanged, Actor::Service, tell).await;
            }
            Err(error) => {
                tracing::error!(%error, "the keys have changed and cannot be used; the earlier ones stay");
                let refused = |event: AuditEvent| event.refused("unusable_keys");
                trail.tell(AuditName::KeysRejected, Actor::Service, refused).await;
            }
        }
    }
}

fn key_ids(tokens: &TokenService) -> Vec<String> {
    tokens.describe_keys().into_iter().map(|key| key.kid).collect()
}

/// Which keys came and which went.
fn tell_of_keys(event: AuditEvent, before: &[String], after: &[String], signing: &str) -> AuditEvent {
    let without = |these: &[String], those: &[String]| {
        these.iter().filter(|id| !those.contains(id)).cloned().collect::<Vec<_>>()
    };
    let event = event.with("signing", signing).with("added", without(after, before));
    event.with("removed", without(before, after))
}

/// What time it is by our clock or by the database's, whichever is behind: a replica whose clock leaps ahead deletes nothing
/// that still counts for the others.
async fn earlier_clock(storage: &Storage, clock: &Arc<dyn Clock>) -> Result<Timestamp, StorageError> {
    let theirs = storage.ping().await?;
    let ours = clock.now();
    Ok(theirs.map_or(ours, |theirs| theirs.min(ours)))
}

async fn delete_old_events(storage: Storage, clock: Arc<dyn Clock>, retention: Duration) {
    let mut ticks = interval(CLEANUP_EVERY);
    loop {
        ticks.tick().await;
        let deleted = async {
            let before = earlier_clock(&storage, &clock).await?.minus(retention);
            storage.delete_audit_events(before, CLEANUP_BATCH).await
        };
        match deleted.await {
            Ok(rows) => tracing::debug!(rows, "deleted old events of the audit trail"),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "old events of the audit trail were not deleted");
            }
        }
    }
}

async fn delete_ended(storage: Storage, clock: Arc<dyn Clock>) {
    let mut ticks = interval(CLEANUP_EVERY);
    loop {
        ticks.tick().await;
        let deleted = async {
            let now = earlier_clock(&storage, &clock).await?;
            storage.delete_expired(now, CLEANUP_BATCH).await
        };
        match deleted.await {
            Ok(rows) => tracing::debug!(?rows, "deleted what is long over"),
            Err(error) => tracing::warn!(error = with_causes(&error), "what is long over was not deleted"),
        }
    }
}
