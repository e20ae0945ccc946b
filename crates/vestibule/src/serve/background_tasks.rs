//! Tasks beside the requests: they follow the key folder and the changes of other replicas, and delete what has expired.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, Timestamp, error_chain};
use vestibule_storage::{Storage, StorageError};
use vestibule_tokens::{KeyRing, TokenService, dir_state};

use super::audit::AuditTrail;
use super::components::Components;
use super::keys::KeyFolder;
use crate::logging::report_lost_lines;

/// Three times a second: all replicas must agree within one.
const KEYS_EVERY: Duration = Duration::from_millis(300);
const CLEANUP_EVERY: Duration = Duration::from_secs(15 * 60);
const CLEANUP_BATCH: u32 = 1000;

/// Tasks that run until [`BackgroundTasks::stop`].
pub(super) struct BackgroundTasks(Vec<JoinHandle<()>>);

impl BackgroundTasks {
    /// Starts the tasks that every service has.
    pub(super) fn start(components: &Components, audit_retention: Duration, audit: &AuditTrail) -> Self {
        let Components { clock, storage, tokens, access_log, key_folder, .. } = components;
        let mut tasks = Self(Vec::new());
        tasks.add(delete_expired_rows(storage.clone(), Arc::clone(clock)));
        tasks.add(delete_old_events(storage.clone(), Arc::clone(clock), audit_retention));
        let feed = storage.clone();
        tasks.add(async move { feed.follow_changes().await });
        if let Some(folder) = key_folder.clone() {
            tasks.add(watch_keys(folder, Arc::clone(tokens), Arc::clone(clock), audit.clone()));
        }
        tasks.add(report_lost_lines(access_log.clone()));
        tasks
    }

    /// Starts one more.
    pub(super) fn add(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.push(tokio::spawn(task));
    }

    /// Ends all of them.
    pub(super) fn stop(self) {
        for task in self.0 {
            task.abort();
        }
    }
}

/// Looks for changes of the folder several times a second. If the folder cannot be used, the present keys stay in use, and the log
/// says why.
async fn watch_keys(folder: KeyFolder, tokens: Arc<TokenService>, clock: Arc<dyn Clock>, audit: AuditTrail) {
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
                let changed = |event| describe_change(event, &before, &after, &tokens.signing_key_id());
                audit.record(AuditName::KeysChanged, Actor::Service, changed).await;
            }
            Err(error) => {
                tracing::error!(%error, "the keys have changed and cannot be used; the earlier ones stay in use");
                let refused = |event: AuditEvent| event.refused("unusable_keys");
                audit.record(AuditName::KeysRejected, Actor::Service, refused).await;
            }
        }
    }
}

fn key_ids(tokens: &TokenService) -> Vec<String> {
    tokens.describe_keys().into_iter().map(|key| key.kid).collect()
}

/// Adds which keys came and which went.
fn describe_change(event: AuditEvent, before: &[String], after: &[String], signing: &str) -> AuditEvent {
    let without = |these: &[String], those: &[String]| {
        these.iter().filter(|id| !those.contains(id)).cloned().collect::<Vec<_>>()
    };
    let event = event.with_detail("signing", signing).with_detail("added", without(after, before));
    event.with_detail("removed", without(before, after))
}

/// The time by our clock or by the database's, whichever is behind: a replica whose clock leaps ahead must not delete what the
/// others still need.
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
                tracing::warn!(error = error_chain(&error), "old events of the audit trail were not deleted");
            }
        }
    }
}

async fn delete_expired_rows(storage: Storage, clock: Arc<dyn Clock>) {
    let mut ticks = interval(CLEANUP_EVERY);
    loop {
        ticks.tick().await;
        let deleted = async {
            let now = earlier_clock(&storage, &clock).await?;
            storage.delete_expired(now, CLEANUP_BATCH).await
        };
        match deleted.await {
            Ok(rows) => tracing::debug!(?rows, "deleted expired rows"),
            Err(error) => tracing::warn!(error = error_chain(&error), "expired rows were not deleted"),
        }
    }
}
