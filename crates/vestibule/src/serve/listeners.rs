//! The sockets, and what poem's endpoints need to answer on them.

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
use vestibule_http::{Metrics, Refusals, Stopping, TrustedProxies, is_nearby};
use vestibule_listener::{Handler, Limits, Listener, Observer, Peer, Refusal, RequestBody, Stop};

use super::shutdown::Ending;
use crate::error::CommandError;

/// Requests under way may take so long once nothing new is accepted, less what was waited beyond `DRAIN_DELAY`; then they are
/// cut.
const GRACE: Duration = Duration::from_secs(6);
/// Whoever collects metrics needs one.
pub(super) const ADMIN_CONNECTIONS: usize = 64;
/// How many clients the kernel may keep waiting for us, if the system allows it as many (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Takes an address.
pub(crate) fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, CommandError> {
    listen_at(address).map_err(|error| CommandError::new(format_args!("{name}: {address}: {error}")))
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A program that has just ended may still have connections here that linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Who may be connected.
pub(crate) struct Clients {
    /// So many at once, over all addresses, and as there are descriptors for.
    pub(crate) max_connections: usize,
    /// The share of one address does not bind these: behind them are many clients.
    pub(crate) proxies: TrustedProxies,
}

/// Serves until a signal comes and the requests under way are answered.
pub(crate) async fn serve(
    socket: TcpListener,
    answers: Answers<impl Endpoint<Output = Response> + 'static>,
    clients: Clients,
    ending: Ending,
    metrics: Metrics,
) {
    let Clients { max_connections, proxies } = clients;
    let is_shared = Arc::new(move |address| is_nearby(address) || proxies.contain(address));
    let limits = Limits { max_connections, is_shared, ..Limits::default() };
    let stopping = answers.stopping.clone();
    let listener = Listener::new(socket, answers, limits, Arc::new(ConnectionMetrics(metrics)));
    let soon = async {
        ending.asked().await;
        tracing::info!("stopping: readiness says no, then requests under way are finished");
        stopping.begin();
    };
    let now = async { GRACE.saturating_sub(ending.waited().await) };
    let stop = Stop { soon, now };
    if !listener.serve(stop).await {
        tracing::warn!("requests under way took too long and were cut");
    }
}

/// Serves the metrics for as long as the program runs.
pub(crate) async fn serve_admin(socket: TcpListener, metrics: Metrics, refusals: Refusals) {
    let endpoint = vestibule_http::admin_endpoint(metrics);
    let answers = Answers { endpoint, refusals, stopping: Stopping::default() };
    let limits =
        Limits { max_connections: ADMIN_CONNECTIONS, is_shared: Arc::new(|_| true), ..Limits::default() };
    let listener = Listener::new(socket, answers, limits, Arc::new(vestibule_listener::NoObserver));
    let stop = Stop { soon: std::future::pending(), now: std::future::pending() };
    listener.serve(stop).await;
}

/// Answers with a poem endpoint.
pub(crate) struct Answers<E> {
    pub(crate) endpoint: E,
    /// What is said where no request could be read.
    pub(crate) refusals: Refusals,
    pub(crate) stopping: Stopping,
}

impl<E: Endpoint<Output = Response> + 'static> Handler for Answers<E> {
    type Body = BoxBody<bytes::Bytes, io::Error>;

    async fn call(&self, request: http::Request<RequestBody>, peer: Peer) -> http::Response<Self::Body> {
        self.stopping.note_request(request.uri().path());
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

struct ConnectionMetrics(Metrics);

impl Observer for ConnectionMetrics {
    fn open_connections(&self, count: usize) {
        self.0.set_open_connections(count);
    }

    fn refused(&self, reason: Refusal) {
        self.0.count_refused_connection(reason.as_str());
    }
}
