//! How this process learns what others change in the database.
//!
//! A feed tells every change that triggers noted, in order, and confirms from time to time up to which moment it has told
//! all. Whatever breaks it (a server that stands still, a lost connection, a file that was replaced) ends the confirmations,
//! and with them, within [`LEASE`](crate::LEASE), the use of copies. Nobody has to notice what broke.

mod postgres;
mod sqlite;

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use vestibule_domain::{SessionId, UserId, with_causes};

use crate::changes::{Change, Changes};
use crate::db::Db;
use crate::error::StorageError;
use crate::storage::Storage;

/// How often all is confirmed. Three confirmations fit into the time for which one counts.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// A beat that takes longer is none.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A feed that lasted this long was a good one: the next may begin soon.
const GOOD: Duration = Duration::from_secs(10);

impl Storage {
    /// The changes that this process has heard of.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether other services may work on the same database. A file serves one, beside commands.
    pub fn may_have_replicas(&self) -> bool {
        matches!(*self.db, Db::Postgres { .. })
    }

    /// Listens to what others change, for ever, and begins again whenever that fails. Until somebody runs this, nothing
    /// is confirmed and no copy is used.
    pub async fn follow_changes(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let Err(error) = self.follow_once().await;
            if began.elapsed() > GOOD {
                pause = FIRST_PAUSE;
            }
            if pause == FIRST_PAUSE {
                tracing::warn!(
                    error = with_causes(&error),
                    "changes by others are not heard of; the database is asked each time"
                );
            } else {
                tracing::debug!(error = with_causes(&error), "changes by others are still not heard of");
            }
            sleep(pause.mul_f64(chance())).await;
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

/// A change as triggers note it. What is not understood may be anything.
fn read_change(kind: &str, id: &str) -> Change {
    let change = match kind {
        "user" => UserId::parse(id).ok().map(Change::User),
        "session" => SessionId::parse(id).ok().map(Change::Session),
        _ => None,
    };
    change.unwrap_or(Change::Anything)
}

fn begin(changes: &Changes) {
    changes.reset();
    tracing::info!("changes by others are heard of");
}

/// Between a half and one, so that replicas that lost their server together do not come back together.
fn chance() -> f64 {
    let chance = u32::try_from(RandomState::new().build_hasher().finish() % 1_000).unwrap_or(0);
    0.5 + f64::from(chance) / 2_000.0
}
