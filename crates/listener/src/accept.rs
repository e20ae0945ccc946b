//! The accept loop.

use std::io::{self, ErrorKind};
use std::time::Duration;

use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::error_rewrite::{BareHead, RefusalSource};
use crate::observer::{CloseReason, Observer};

/// Pause after an accept that failed for want of descriptors. New clients wait in the kernel's queue meanwhile.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Accepts connections, and pauses instead of spinning when the machine is out of descriptors.
pub(crate) struct Acceptor {
    socket: TcpListener,
    exhausted: bool,
}

impl Acceptor {
    pub(crate) fn new(socket: TcpListener) -> Self {
        Self { socket, exhausted: false }
    }

    /// The next connection. Cancel-safe.
    pub(crate) async fn accept(&mut self, observer: &dyn Observer) -> TcpStream {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    self.exhausted = false;
                    return stream;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.log_once(&error);
                    observer.closed_early(CloseReason::NoResources);
                    sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }

    /// A connection that is waiting in the kernel's queue, if there is one.
    pub(crate) async fn accept_waiting(&mut self) -> Option<TcpStream> {
        let waiting = tokio::time::timeout(Duration::from_millis(1), self.socket.accept()).await;
        waiting.ok()?.ok().map(|(stream, _)| stream)
    }

    /// Logs one line for each shortage, not one for each attempt.
    fn log_once(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.exhausted, true) {
            tracing::error!(%error, "no connection can be accepted");
        }
    }
}

/// The client has gone before it was accepted, which says nothing about the next one (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

/// Answers 503 to a client that gets no slot, if its socket takes the bytes at once.
pub(crate) fn refuse(stream: &TcpStream, source: &impl RefusalSource) {
    let response = source.refusal(StatusCode::SERVICE_UNAVAILABLE);
    drop(stream.try_write(&BareHead::overloaded().with_response(&response)));
}
