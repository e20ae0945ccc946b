//! How this process learns what others change in the database.
//!
//! A feed publishes every change that triggers noted, in order, and regularly confirms up to which moment it has published
//! all. Whatever breaks it (a server that stands still, a lost connection, a file that was replaced) ends the confirmations
//! and with them, within [`LEASE`](crate::LEASE), the use of copies. Nothing has to detect what broke.

mod postgres;
mod sqlite;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use vestibule_domain::{error_chain, jitter};

use crate::changes::{Change, Changes};
use crate::db::Db;
use crate::error::StorageError;
use crate::storage::Storage;

/// How often a feed confirms. Three confirmations fit into the time for which one counts.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// A heartbeat that takes longer has failed.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After a feed that lasted this long the next one begins without a longer pause.
const STABLE: Duration = Duration::from_secs(10);

impl Storage {
    /// The changes that this process knows.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether other replicas may use the same database. A file serves one, and commands.
    pub fn may_have_replicas(&self) -> bool {
        matches!(*self.db, Db::Postgres { .. })
    }

    /// Follows what others change, for ever, and starts again whenever that fails. While this does not run, nothing is
    /// confirmed and no copy is used.
    pub async fn follow_changes(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let Err(error) = self.follow_once().await;
            if began.elapsed() > STABLE {
                pause = FIRST_PAUSE;
            }
            if pause == FIRST_PAUSE {
                tracing::warn!(
                    error = error_chain(&error),
                    "the change feed has stopped: every request asks the database until it runs again"
                );
            } else {
                tracing::debug!(error = error_chain(&error), "the change feed could not be started again");
            }
            sleep(jitter(pause, 0.5, 1.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn follow_once(&self) -> Result<Infallible, StorageError> {
        match self.db.as_ref() {
            Db::Sqlite { file, .. } => sqlite::follow(file, &self.changes).await,
            Db::Postgres { server, .. } => postgres::follow(server, &self.changes).await,
        }
    }
}

/// Whether a feed of this database could run: notifications must arrive.
pub(crate) async fn check_delivery(db: &Db) -> Result<(), StorageError> {
    match db {
        Db::Sqlite { .. } => Ok(()),
        Db::Postgres { server, .. } => postgres::check_delivery(server).await,
    }
}

/// Publishes what a trigger wrote.
fn publish(changes: &Changes, kind: &str, id: &str) {
    if let Some(change) = Change::parse(kind, id) {
        changes.publish(change);
    } else {
        tracing::trace!(kind, "a change of a kind that only newer replicas know");
    }
}

fn start(changes: &Changes) {
    changes.reset();
    tracing::info!("the change feed is running: copies in memory may be used");
}
