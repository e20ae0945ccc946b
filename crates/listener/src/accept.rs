//! The loop that takes connections.

use std::io::{self, ErrorKind};
use std::time::Duration;

use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::observer::{Observer, Refusal};
use crate::refusal::{BareHead, Refuser};

/// How long to leave the machine alone when it has no descriptor left. Others wait in the kernel's queue meanwhile.
const BREATH: Duration = Duration::from_millis(100);

/// Accepts connections without end. A machine out of descriptors is waited for and not asked in a circle.
pub(crate) struct Acceptor {
    socket: TcpListener,
    exhausted: bool,
}

impl Acceptor {
    pub(crate) fn new(socket: TcpListener) -> Self {
        Self { socket, exhausted: false }
    }

    /// The next connection. Safe to drop while it waits.
    pub(crate) async fn accept(&mut self, observer: &dyn Observer) -> TcpStream {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    self.exhausted = false;
                    return stream;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.complain_once(&error);
                    observer.refused(Refusal::NoResources);
                    sleep(BREATH).await;
                }
            }
        }
    }

    /// A connection that has been waiting in the kernel's queue, if there is one.
    pub(crate) async fn accept_waiting(&mut self) -> Option<TcpStream> {
        let waiting = tokio::time::timeout(Duration::from_millis(1), self.socket.accept()).await;
        waiting.ok()?.ok().map(|(stream, _)| stream)
    }

    /// One line for each shortage, not one for each try.
    fn complain_once(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.exhausted, true) {
            tracing::error!(%error, "no connection can be accepted");
        }
    }
}

/// The client was gone before it was accepted; the next one may be fine (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

/// Tells a client that there is no place, if it can be told without waiting.
pub(crate) fn refuse(stream: &TcpStream, refuser: &impl Refuser) {
    let answer = refuser.refusal(StatusCode::SERVICE_UNAVAILABLE);
    drop(stream.try_write(&BareHead::no_place().with(&answer)));
}
