//! Replaces the plugins while requests go on: at SIGHUP, and at `vestibule plugin reload`.
//!
//! The command reaches the service through a [`socket`]. Each side listens to the other only if it belongs to the same user; root may
//! ask any service.

mod client;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use vestibule_domain::{Actor, AuditEvent, AuditName};
use vestibule_plugin_host::PluginHost;

use crate::error::CommandError;
use crate::settings::{Settings, Sources};

use super::audit::AuditTrail;
use super::plugins::describe_load_error;
pub(crate) use client::request_reload;
use socket::{DONE, RELOAD, our_user, peer_of};

/// How long a client of the socket may take to send its request.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a reload needs.
struct Reloader {
    plugins: Arc<PluginHost>,
    sources: Sources,
    audit: AuditTrail,
}

/// Reloads at each request until it is stopped.
pub(super) fn run(
    plugins: &Arc<PluginHost>,
    sources: &Sources,
    listen: SocketAddr,
    audit: AuditTrail,
) -> impl Future<Output = ()> + Send + 'static + use<> {
    let reloader = Arc::new(Reloader { plugins: Arc::clone(plugins), sources: sources.clone(), audit });
    async move {
        tokio::join!(follow_signals(&reloader), follow_commands(&reloader, listen));
    }
}

async fn follow_signals(reloader: &Arc<Reloader>) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return tracing::error!("SIGHUP cannot be received");
    };
    while hangups.recv().await.is_some() {
        // The outcome is in the log.
        drop(reloader.reload().await);
    }
}

async fn follow_commands(reloader: &Arc<Reloader>, listen: SocketAddr) {
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
                tracing::warn!(%error, "a `vestibule plugin reload` was not accepted");
                tokio::time::sleep(CLIENT_TIMEOUT).await;
            }
        }
    }
}

/// One at a time: a second command waits for the first.
async fn answer(reloader: &Arc<Reloader>, mut stream: UnixStream) {
    if peer_of(&stream).is_none_or(|peer| peer != 0 && peer != our_user()) {
        return;
    }
    let mut request = [0; RELOAD.len()];
    if !matches!(timeout(CLIENT_TIMEOUT, stream.read_exact(&mut request)).await, Ok(Ok(_)))
        || request != *RELOAD
    {
        return;
    }
    let answer =
        reloader.reload().await.map_or_else(|error| error.to_string().into_bytes(), |()| DONE.to_vec());
    drop(stream.write_all(&answer).await);
}

impl Reloader {
    async fn reload(self: &Arc<Self>) -> Result<(), CommandError> {
        let held = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || held.reload_now()).await;
        let outcome = outcome.unwrap_or_else(|error| Err(CommandError::new(error)));
        match &outcome {
            Ok(()) => {
                tracing::info!("the plugins are reloaded");
                let loaded = |event: AuditEvent| event.with_detail("plugins", self.describe());
                self.audit.record(AuditName::PluginsReloaded, Actor::Operator, loaded).await;
            }
            Err(error) => {
                tracing::error!("the plugins stay as they were: {error}");
                let refused = |event: AuditEvent| event.refused("unusable_plugins");
                self.audit.record(AuditName::PluginsRejected, Actor::Operator, refused).await;
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
        self.plugins.reload(&plan).map_err(|error| describe_load_error(&plan, &error))
    }
}
