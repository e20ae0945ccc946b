//! The sockets, and the way from them to poem's endpoints.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use poem::http::{self, uri::Scheme};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, Request, RequestParts, Response};
use tokio::net::{TcpListener, TcpSocket};
use vestibule_domain::SystemRandom;
use vestibule_http::{Arrivals, Refusals, Shutdown, TrustedProxies, is_nearby, is_probe};
use vestibule_listener::{Handler, Limits, Listener, Observer, Peer, RequestBody};
use vestibule_metrics::Metrics;

use super::shutdown::ShutdownSignal;
use crate::error::CommandError;

/// How long requests under way have once nothing new is accepted, less the wait beyond `DRAIN_DELAY`; then they are cut.
const GRACE: Duration = Duration::from_secs(6);
/// A collector of metrics needs one.
pub(super) const ADMIN_CONNECTIONS: usize = 64;
/// How many clients may wait in the kernel until they are accepted, if the system allows as many (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Binds an address and listens on it.
pub(crate) fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, CommandError> {
    listen_at(address).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("; another program has it: end that one, or set {name} to another address")
            }
            _ => String::new(),
        };
        CommandError::new(format_args!("{name}: {address}: {error}{advice}"))
    })
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a program that has just ended may linger here.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Which clients may connect.
pub(crate) struct ClientLimits {
    /// How many at once, over all addresses, as far as there are descriptors.
    pub(crate) max_connections: usize,
    /// The limit of one address does not hold for these: many clients are behind them.
    pub(crate) proxies: TrustedProxies,
}

/// Serves until a signal comes and the requests under way are answered.
pub(crate) async fn serve(
    socket: TcpListener,
    handler: PoemHandler<impl Endpoint<Output = Response> + 'static>,
    clients: ClientLimits,
    shutdown: ShutdownSignal,
    observer: Arc<dyn Observer>,
) {
    let ClientLimits { max_connections, proxies } = clients;
    let is_shared = Arc::new(move |address| is_nearby(address) || proxies.contain(address));
    let limits = Limits { max_connections, is_shared, ..Limits::default() };
    let stopping = handler.stopping.clone();
    let listener = Listener::new(socket, handler, limits, observer);
    let drain = async {
        shutdown.requested().await;
        tracing::info!("stopping: readiness says no, then requests under way are finished");
        stopping.begin();
    };
    let close = async { GRACE.saturating_sub(shutdown.drained().await) };
    if !listener.serve(vestibule_listener::Shutdown { drain, close }).await {
        tracing::warn!("requests under way took too long and were cut");
    }
}

/// Serves the metrics, and how announced requests came, for as long as the program runs.
pub(crate) async fn serve_admin(
    socket: TcpListener,
    metrics: Metrics,
    arrivals: Arrivals,
    refusals: Refusals,
) {
    let randomness = Arc::new(SystemRandom);
    let endpoint = vestibule_http::admin_endpoint(move || metrics.encode(), arrivals, randomness);
    let handler = PoemHandler { endpoint, refusals, stopping: Shutdown::default() };
    let limits =
        Limits { max_connections: ADMIN_CONNECTIONS, is_shared: Arc::new(|_| true), ..Limits::default() };
    let listener = Listener::new(socket, handler, limits, Arc::new(vestibule_listener::NoObserver));
    let never = vestibule_listener::Shutdown { drain: std::future::pending(), close: std::future::pending() };
    listener.serve(never).await;
}

/// Answers requests with a poem endpoint.
pub(crate) struct PoemHandler<E> {
    pub(crate) endpoint: E,
    /// The answers where no request could be read.
    pub(crate) refusals: Refusals,
    pub(crate) stopping: Shutdown,
}

impl<E: Endpoint<Output = Response> + 'static> Handler for PoemHandler<E> {
    type Body = BoxBody<bytes::Bytes, io::Error>;

    async fn call(&self, request: http::Request<RequestBody>, peer: Peer) -> http::Response<Self::Body> {
        if !is_probe(request.uri().path()) {
            self.stopping.note_request();
        }
        let (parts, body) = request.into_parts();
        let body =
            if hyper::body::Body::is_end_stream(&body) { Body::empty() } else { Body::from(body.boxed()) };
        let (local, remote) = (LocalAddr(Addr::from(peer.local)), RemoteAddr(Addr::from(peer.remote)));
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        let answer = self.endpoint.call(Request::from_parts(parts, body)).await;
        answer.unwrap_or_else(poem::Error::into_response).into()
    }

    fn refuse(&self, status: http::StatusCode) -> http::Response<bytes::Bytes> {
        self.refusals.answer(status)
    }
}
