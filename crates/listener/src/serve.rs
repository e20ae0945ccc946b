//! Serves a socket, from accepting connections to an orderly shutdown.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::accept::{Acceptor, refuse};
use crate::body::RequestBody;
use crate::coarse_clock::CoarseClock;
use crate::connection::{Connection, TICK};
use crate::error_rewrite::{self, RefusalSource};
use crate::handler::{Handler, Peer};
use crate::limits::Limits;
use crate::observer::Observer;
use crate::registry::{Registry, Slot};
use crate::socket::Socket;

/// The body of a response of the handler, or of a refusal.
type ResponseBody<B> = Either<B, http_body_util::Full<Bytes>>;

/// How many ticks a connection must have been idle before the shutdown closes it: a request may be on its way.
const IDLE_TICKS_BEFORE_CLOSE: u32 = 1;

/// The two steps of a shutdown, as futures that complete when their step begins.
pub struct Shutdown<D, C> {
    /// Draining: from now on each response announces the end of its connection.
    pub drain: D,
    /// Closing: no connection is accepted any more. Yields how long the requests under way may still take.
    pub close: C,
}

/// A socket and what it takes to serve it.
pub struct Listener<H> {
    server: Arc<Server<H>>,
    acceptor: Acceptor,
}

struct Server<H> {
    handler: H,
    limits: Arc<Limits>,
    observer: Arc<dyn Observer>,
    registry: Arc<Registry>,
    clock: Arc<CoarseClock>,
    draining: AtomicBool,
    http: http1::Builder,
}

impl<H: Handler> Listener<H> {
    /// Accepts nothing yet; clients may already wait in the kernel's queue.
    pub fn new(socket: TcpListener, handler: H, limits: Limits, observer: Arc<dyn Observer>) -> Self {
        let limits = Arc::new(limits);
        let server = Server {
            handler,
            registry: Registry::new(Arc::clone(&limits), Arc::clone(&observer)),
            http: http_settings(&limits),
            limits,
            observer,
            clock: Arc::default(),
            draining: AtomicBool::new(false),
        };
        Self { server: Arc::new(server), acceptor: Acceptor::new(socket) }
    }

    /// Serves until the shutdown, and then until every request is answered or the grace period is over. Returns whether every
    /// request was answered.
    pub async fn serve(
        mut self,
        shutdown: Shutdown<impl Future<Output = ()>, impl Future<Output = Duration>>,
    ) -> bool {
        let sweep = tokio::spawn(sweep(Arc::clone(&self.server)));
        let server = Arc::clone(&self.server);
        let closing = async {
            shutdown.drain.await;
            server.draining.store(true, Ordering::Relaxed);
            shutdown.close.await
        };
        let grace = tokio::select! {
            grace = closing => grace,
            never = self.accept_all() => match never {},
        };
        // Connections that the kernel accepted before the socket closes are served as well.
        while let Some(stream) = self.acceptor.accept_waiting().await {
            admit(&self.server, stream);
        }
        drop(self.acceptor);
        let answered = self.server.finish(grace).await;
        sweep.abort();
        answered
    }

    async fn accept_all(&mut self) -> Infallible {
        loop {
            let stream = self.acceptor.accept(self.server.observer.as_ref()).await;
            admit(&self.server, stream);
        }
    }
}

impl<H> Server<H> {
    /// Waits for the requests under way, and closes idle connections.
    async fn finish(&self, grace: Duration) -> bool {
        let close_idle = async {
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                self.registry.end_resting(self.clock.now(), IDLE_TICKS_BEFORE_CLOSE);
            }
        };
        let emptied = async {
            tokio::select! {
                () = self.registry.emptied() => {}
                () = close_idle => {}
            }
        };
        let answered = timeout(grace, emptied).await.is_ok();
        self.registry.end_all();
        answered
    }
}

/// Advances the clock and closes overdue connections, once a tick.
async fn sweep<H>(server: Arc<Server<H>>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        server.clock.advance();
        server.registry.end_overdue(server.clock.now());
    }
}

fn http_settings(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_buf_size(limits.max_head)
        .max_headers(limits.max_headers)
        // A client may shut down its writing side after a request and still read the response. One that has gone is noticed when
        // the response is written.
        .half_close(true)
        // The sweep bounds this time; a timer for each head would cost more than the whole sweep.
        .header_read_timeout(None);
    http
}

/// Gives a connection a slot and a task, or refuses it.
fn admit<H: Handler>(server: &Arc<Server<H>>, stream: TcpStream) {
    let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let now = server.clock.now();
    let connection = Arc::new(Connection::new(now));
    let slot = match server.registry.reserve(remote.ip(), &connection, now) {
        Ok(slot) => slot,
        Err(reason) => {
            server.observer.closed_early(reason);
            return refuse(&stream, server.as_ref());
        }
    };
    // A response is written whole; Nagle's algorithm would only delay it.
    drop(stream.set_nodelay(true));
    let number = slot.number();
    let task =
        tokio::spawn(serve_connection(Arc::clone(server), stream, connection, Peer { local, remote }, slot));
    server.registry.attach(number, task.abort_handle());
}

async fn serve_connection<H: Handler>(
    server: Arc<Server<H>>,
    stream: TcpStream,
    connection: Arc<Connection>,
    peer: Peer,
    slot: Slot,
) {
    let source = Arc::clone(&server) as Arc<dyn RefusalSource>;
    let socket = Socket::new(stream, Arc::clone(&connection), Arc::clone(&server.clock), source);
    let service = service_fn(|request: Request<Incoming>| {
        let (server, connection) = (Arc::clone(&server), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(server.answer(request, &connection, peer).await) }
    });
    if let Err(error) = server.http.serve_connection(TokioIo::new(socket), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(slot);
}

impl<H: Handler> Server<H> {
    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
        peer: Peer,
    ) -> Response<ResponseBody<H::Body>> {
        if !connection.begin(self.clock.now()) {
            return self.refuse(StatusCode::SERVICE_UNAVAILABLE);
        }
        // A target that names a host, as that of CONNECT does, is a request to a proxy, which this is not.
        if connection.is_ambiguous() || request.uri().authority().is_some() || !names_its_host(&request) {
            return self.refuse(StatusCode::BAD_REQUEST);
        }
        if target_length(&request) > self.limits.max_target {
            return self.refuse(StatusCode::URI_TOO_LONG);
        }
        // INVARIANT: a chunked request is the last on its connection; `Framing` does not read beyond it.
        let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let request = request.map(|body| RequestBody::new(body, self.limits.body_time));
        let mut response = self.handler.call(request, peer).await;
        connection.answered(self.clock.now());
        if is_last || self.draining.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(Either::Left)
    }

    /// A response of the listener itself, after which the connection closes.
    fn refuse(&self, status: StatusCode) -> Response<ResponseBody<H::Body>> {
        error_rewrite::closing(self.refusal(status)).map(Either::Right)
    }
}

impl<H: Handler> RefusalSource for Server<H> {
    fn refusal(&self, status: StatusCode) -> Response<Bytes> {
        let mut response = self.handler.refuse(status);
        *response.status_mut() = status;
        response
    }
}

/// Whether the request has the one header `Host` that HTTP/1.1 asks for, with something in it that may be a host, or nothing (RFC 9112
/// section 3.2). HTTP/1.0 may leave it out.
fn names_its_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.as_bytes().iter().all(|byte| may_be_in_a_host(*byte)),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// The characters of a host and its port (RFC 3986 section 3.2.2).
fn may_be_in_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn target_length<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    uri.path().len() + uri.query().map_or(0, |query| query.len() + 1)
}

#[cfg(test)]
mod tests;
