//! Whether the server is known to be silent, so that requests fail at once instead of waiting for it.
//!
//! A server that refuses connections answers at once. A silent one costs every request its whole time limit, and hundreds of
//! waiting requests cost memory. So a request that got no answer in time starts a probe, which uses a connection of its own.
//! While the probe gets no answer, requests fail without waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Pool;
use tokio::time::sleep;

use super::postgres::{Connection, Server};

/// The pause between two attempts to reach the server.
const PAUSE: Duration = Duration::from_millis(250);

/// Probes the server, and keeps the result.
pub(crate) struct ServerProbe {
    server: Server,
    pool: Pool<Connection>,
    is_away: AtomicBool,
    is_running: AtomicBool,
}

impl ServerProbe {
    pub(super) fn new(server: Server, pool: Pool<Connection>) -> Arc<Self> {
        let (is_away, is_running) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { server, pool, is_away, is_running })
    }

    /// True while the server does not answer.
    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// Starts to probe the server after a request got no answer in time, unless a probe runs already. It runs until the server
    /// answers.
    pub(super) fn start(self: &Arc<Self>) {
        if !self.is_running.swap(true, Ordering::Relaxed) {
            tokio::spawn(run(Arc::downgrade(self)));
        }
    }

    /// Closes the idle connections of the pool. If the route to the server was lost, each of them would cost a request its whole
    /// time limit.
    pub(super) fn close_idle(&self) {
        self.pool.retain(|_, _| false);
    }
}

async fn run(probe: Weak<ServerProbe>) {
    while let Some(probe) = probe.upgrade() {
        if probe.server.answers().await {
            if probe.is_away.swap(false, Ordering::Relaxed) {
                tracing::info!("the database server answers again");
            }
            probe.is_running.store(false, Ordering::Relaxed);
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
