//! Whether the server is known to be away, so that nobody waits for it in vain.
//!
//! A server that refuses is no burden: the answer comes at once. One that is silent costs everybody the whole time limit,
//! and hundreds who wait cost memory. So whoever got no answer in time raises a suspicion; it is looked into beside the
//! requests, with a connection of its own, and while the server is away the requests are told so without waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Pool;
use tokio::time::sleep;

use super::{Connection, Server};

/// Between two looks at a server that is away.
const PAUSE: Duration = Duration::from_millis(250);

/// What is known of the server, and who finds out more.
pub(crate) struct ServerProbe {
    server: Server,
    pool: Pool<Connection>,
    is_away: AtomicBool,
    is_looking: AtomicBool,
}

impl ServerProbe {
    pub(in crate::db) fn new(server: Server, pool: Pool<Connection>) -> Arc<Self> {
        let (is_away, is_looking) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { server, pool, is_away, is_looking })
    }

    /// Whether waiting for the server is in vain at the moment.
    pub(in crate::db) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// Somebody got no answer in time: looks, unless somebody is looking already, and goes on for as long as the server
    /// is away.
    pub(in crate::db) fn start(self: &Arc<Self>) {
        if !self.is_looking.swap(true, Ordering::Relaxed) {
            tokio::spawn(look(Arc::downgrade(self)));
        }
    }

    /// The way to the server may have been lost: what lies idle in the pool would be found dead one by one, at the price of a
    /// whole time limit each.
    pub(in crate::db) fn close_idle(&self) {
        self.pool.retain(|_, _| false);
    }
}

async fn look(probe: Weak<ServerProbe>) {
    while let Some(probe) = probe.upgrade() {
        if probe.server.answers().await {
            if probe.is_away.swap(false, Ordering::Relaxed) {
                tracing::info!("the database server answers again");
            }
            probe.is_looking.store(false, Ordering::Relaxed);
            return;
        }
        if !probe.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!("the database server does not answer");
        }
        probe.close_idle();
        drop(probe);
        sleep(PAUSE).await;
    }
}
