//! The sockets, and the signals that close them.

use std::net::SocketAddr;
use std::time::Duration;

use poem::Server;
use poem::endpoint::BoxEndpoint;
use poem::listener::TcpAcceptor;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use vestibule_http::Metrics;

use crate::failure::Failure;

/// Requests under way may take so long after the signal; then they are cut, so that all is over within ten seconds.
const DRAIN: Duration = Duration::from_secs(8);

/// Takes an address.
pub(crate) async fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::new(format_args!("{name}: {address}: {error}")))
}

/// Serves until a signal comes and the requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    endpoint: BoxEndpoint<'static>,
    admin: Option<(TcpListener, Metrics)>,
) -> Result<(), Failure> {
    let admin = admin.map(|(listener, metrics)| tokio::spawn(serve_admin(listener, metrics)));
    let acceptor = TcpAcceptor::from_tokio(listener)?;
    let server =
        Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(endpoint, ended(), Some(DRAIN));
    let outcome = server.await.map_err(Failure::while_doing("the listener"));
    if let Some(task) = admin {
        task.abort();
    }
    outcome
}

async fn serve_admin(listener: TcpListener, metrics: Metrics) {
    let acceptor = match TcpAcceptor::from_tokio(listener) {
        Ok(acceptor) => acceptor,
        Err(error) => return tracing::error!(%error, "the admin listener"),
    };
    if let Err(error) = Server::new_with_acceptor(acceptor).run(vestibule_http::admin_endpoint(metrics)).await
    {
        tracing::error!(%error, "the admin listener");
    }
}

/// Ends with SIGTERM or SIGINT.
async fn ended() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; only SIGKILL ends the service");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: requests under way are finished first");
}
