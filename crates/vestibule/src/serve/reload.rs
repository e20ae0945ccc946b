//! Other plugins in the place of the present ones, while requests go on: at SIGHUP, and at `vestibule plugin reload`.
//!
//! The command reaches the service through a [`socket`]. Either side heeds the other only if it belongs to the same user; root may ask any
//! service.

mod client;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vestibule_domain::{Actor, AuditEvent, AuditName};
use vestibule_plugin_host::PluginHost;

use crate::error::CommandError;
use crate::settings::{Settings, Sources};

use super::audit::Trail;
use super::plugins::unusable;
pub(crate) use client::ask_for;
use socket::{our_user, peer_of};

const RELOAD: &[u8] = b"reload\n";
const DONE: &[u8] = b"done\n";
/// How long a client of the socket may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a reload takes.
struct Reloader {
    plugins: Arc<PluginHost>,
    sources: Sources,
    trail: Trail,
}

/// Waits for requests to reload until it is stopped.
pub(super) fn start(
    plugins: &Arc<PluginHost>,
    sources: &Sources,
    listen: SocketAddr,
    trail: Trail,
) -> JoinHandle<()> {
    let reloader = Arc::new(Reloader { plugins: Arc::clone(plugins), sources: sources.clone(), trail });
    tokio::spawn(async move {
        tokio::join!(heed_signals(&reloader), heed_commands(&reloader, listen));
    })
}

async fn heed_signals(reloader: &Arc<Reloader>) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return tracing::error!("SIGHUP cannot be received");
    };
    while hangups.recv().await.is_some() {
        // The log has said what came of it.
        drop(reloader.reload().await);
    }
}

async fn heed_commands(reloader: &Arc<Reloader>, listen: SocketAddr) {
    let listener = match socket::listen(listen) {
        Ok(listener) => listener,
        Err(error) => {
            return tracing::warn!(%error, "`vestibule plugin reload` will not reach this service; SIGHUP does");
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => answer(reloader, stream).await,
            Err(error) => {
                tracing::warn!(%error, "`vestibule plugin reload` was not heard");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

/// One at a time: a second command waits for the first.
async fn answer(reloader: &Arc<Reloader>, mut stream: UnixStream) {
    if peer_of(&stream).is_none_or(|peer| peer != 0 && peer != our_user()) {
        return;
    }
    let mut wish = [0; RELOAD.len()];
    if !matches!(timeout(PATIENCE, stream.read_exact(&mut wish)).await, Ok(Ok(_))) || wish != *RELOAD {
        return;
    }
    let said =
        reloader.reload().await.map_or_else(|failure| failure.to_string().into_bytes(), |()| DONE.to_vec());
    drop(stream.write_all(&said).await);
}

impl Reloader {
    async fn reload(self: &Arc<Self>) -> Result<(), CommandError> {
        let held = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || held.reload_now()).await;
        let outcome = outcome.unwrap_or_else(|error| Err(CommandError::new(error)));
        match &outcome {
            Ok(()) => {
                tracing::info!("the plugins are reloaded");
                let loaded = |event: AuditEvent| event.with("plugins", self.describe());
                self.trail.tell(AuditName::PluginsReloaded, Actor::Operator, loaded).await;
            }
            Err(failure) => {
                tracing::error!("the plugins stay as they were: {failure}");
                let refused = |event: AuditEvent| event.refused("unusable_plugins");
                self.trail.tell(AuditName::PluginsRejected, Actor::Operator, refused).await;
            }
        }
        outcome
    }

    /// Alias, name, version and digest of each.
    fn describe(&self) -> Vec<String> {
        let plugins = self.plugins.list().into_iter();
        plugins
            .map(|info| format!("{}: {} {} {}", info.alias, info.name, info.version, info.sha256))
            .collect()
    }

    fn reload_now(&self) -> Result<(), CommandError> {
        let plan = Settings::read_plugins(&self.sources.read_again()?)?;
        self.plugins.reload(&plan).map_err(|error| unusable(&plan, &error))
    }
}
