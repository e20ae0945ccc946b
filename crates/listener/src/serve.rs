//! From a socket to answers, and to an orderly end.

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
use crate::connection::{Connection, TICK};
use crate::handler::{Handler, Peer};
use crate::limits::Limits;
use crate::lookout::Clock;
use crate::observer::Observer;
use crate::refusal::{self, Refuser};
use crate::registry::{Place, Registry};
use crate::socket::Socket;

/// Of the handler, or of a request that did not reach it.
type AnswerBody<B> = Either<B, http_body_util::Full<Bytes>>;

/// How long a connection must have rested before the end closes it: a request may just be on its way.
const REST_BEFORE_CLOSING: u32 = 1;

/// How a listener ends.
pub struct Stop<W, N> {
    /// When it begins: answers say from now on that theirs was the last on its connection.
    pub soon: W,
    /// When nothing new is accepted any more; it tells how long requests under way may then take.
    pub now: N,
}

/// A socket that will be served.
pub struct Listener<H> {
    shared: Arc<Shared<H>>,
    acceptor: Acceptor,
}

struct Shared<H> {
    handler: H,
    limits: Arc<Limits>,
    observer: Arc<dyn Observer>,
    registry: Arc<Registry>,
    clock: Arc<Clock>,
    stopping: AtomicBool,
    http: http1::Builder,
}

impl<H: Handler> Listener<H> {
    /// Nothing is accepted yet, though clients may already wait in the kernel's queue.
    pub fn new(socket: TcpListener, handler: H, limits: Limits, observer: Arc<dyn Observer>) -> Self {
        let limits = Arc::new(limits);
        let shared = Shared {
            handler,
            registry: Registry::new(Arc::clone(&limits), Arc::clone(&observer)),
            http: http_settings(&limits),
            limits,
            observer,
            clock: Arc::default(),
            stopping: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), acceptor: Acceptor::new(socket) }
    }

    /// Serves until it is to stop and all is answered, or the grace is over. Answers whether everything was answered.
    pub async fn serve(
        mut self,
        stop: Stop<impl Future<Output = ()>, impl Future<Output = Duration>>,
    ) -> bool {
        let lookout = tokio::spawn(look_out(Arc::clone(&self.shared)));
        let shared = Arc::clone(&self.shared);
        let soon = async {
            stop.soon.await;
            shared.stopping.store(true, Ordering::Relaxed);
            stop.now.await
        };
        let grace = tokio::select! {
            grace = soon => grace,
            never = self.accept_all() => match never {},
        };
        // Whoever was let in by the kernel before the socket closes is answered as well.
        while let Some(stream) = self.acceptor.accept_waiting().await {
            take(&self.shared, stream);
        }
        drop(self.acceptor);
        let answered = self.shared.finish(grace).await;
        lookout.abort();
        answered
    }

    async fn accept_all(&mut self) -> Infallible {
        loop {
            let stream = self.acceptor.accept(self.shared.observer.as_ref()).await;
            take(&self.shared, stream);
        }
    }
}

impl<H> Shared<H> {
    /// Lets requests under way end, and closes what rests.
    async fn finish(&self, grace: Duration) -> bool {
        let closing = async {
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                self.registry.end_resting(self.clock.now(), REST_BEFORE_CLOSING);
            }
        };
        let emptied = async {
            tokio::select! {
                () = self.registry.emptied() => {}
                () = closing => {}
            }
        };
        let answered = timeout(grace, emptied).await.is_ok();
        self.registry.end_all();
        answered
    }
}

async fn look_out<H>(shared: Arc<Shared<H>>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.clock.advance();
        shared.registry.end_overdue(shared.clock.now());
    }
}

fn http_settings(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_buf_size(limits.max_head)
        .max_headers(limits.max_headers)
        // Whoever has asked may have nothing more to say, and still wants to hear. It is told apart from one who has gone when the
        // answer is written.
        .half_close(true)
        // Time is kept by the lookout; a timer for each head would cost more than all of it.
        .header_read_timeout(None);
    http
}

/// Gives a connection its place and its task.
fn take<H: Handler>(shared: &Arc<Shared<H>>, stream: TcpStream) {
    let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let now = shared.clock.now();
    let connection = Arc::new(Connection::new(now));
    let place = match shared.registry.reserve(remote.ip(), &connection, now) {
        Ok(place) => place,
        Err(reason) => {
            shared.observer.refused(reason);
            return refuse(&stream, shared.as_ref());
        }
    };
    // An answer is written whole; waiting to join it with a next one would only delay it.
    drop(stream.set_nodelay(true));
    let number = place.number();
    let task = tokio::spawn(talk(Arc::clone(shared), stream, connection, Peer { local, remote }, place));
    shared.registry.attach(number, task.abort_handle());
}

async fn talk<H: Handler>(
    shared: Arc<Shared<H>>,
    stream: TcpStream,
    connection: Arc<Connection>,
    peer: Peer,
    place: Place,
) {
    let refuser = Arc::clone(&shared) as Arc<dyn Refuser>;
    let socket = Socket::new(stream, Arc::clone(&connection), Arc::clone(&shared.clock), refuser);
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, connection) = (Arc::clone(&shared), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(shared.answer(request, &connection, peer).await) }
    });
    if let Err(error) = shared.http.serve_connection(TokioIo::new(socket), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

impl<H: Handler> Shared<H> {
    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
        peer: Peer,
    ) -> Response<AnswerBody<H::Body>> {
        if !connection.begin(self.clock.now()) {
            return self.refuse(StatusCode::SERVICE_UNAVAILABLE);
        }
        // A target that names a host, as that of CONNECT does too, is for proxies, and we are none.
        if connection.is_doubtful() || request.uri().authority().is_some() || !names_its_host(&request) {
            return self.refuse(StatusCode::BAD_REQUEST);
        }
        if target_length(&request) > self.limits.max_target {
            return self.refuse(StatusCode::URI_TOO_LONG);
        }
        // INVARIANT: nothing comes after chunks on a connection; `Framing` does not look behind them.
        let last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let request = request.map(|body| RequestBody::new(body, self.limits.body_time));
        let mut response = self.handler.call(request, peer).await;
        connection.answered(self.clock.now());
        if last || self.stopping.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(Either::Left)
    }

    /// An answer that nobody but the listener gives, and after which it closes.
    fn refuse(&self, status: StatusCode) -> Response<AnswerBody<H::Body>> {
        refusal::last(self.refusal(status)).map(Either::Right)
    }
}

impl<H: Handler> Refuser for Shared<H> {
    fn refusal(&self, status: StatusCode) -> Response<Bytes> {
        let mut answer = self.handler.refuse(status);
        *answer.status_mut() = status;
        answer
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
