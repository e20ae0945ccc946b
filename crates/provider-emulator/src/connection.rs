//! Connections that can be broken off in the middle of a request.
//!
//! An HTTP server always answers; a provider that fails does not. A request handler therefore dooms the peer's
//! address, and the connection resets itself as soon as the server tries to write the answer to it.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::uri::Scheme;
use poem::Addr;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::lock::lock;

/// The addresses of peers whose connections are to be reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doomed(Arc<Mutex<HashSet<SocketAddr>>>);

impl Doomed {
    /// The next byte written to this peer resets its connection.
    pub(crate) fn doom(&self, peer: SocketAddr) {
        lock(&self.0).insert(peer);
    }

    fn contains(&self, peer: SocketAddr) -> bool {
        lock(&self.0).contains(&peer)
    }

    fn forget(&self, peer: SocketAddr) {
        lock(&self.0).remove(&peer);
    }
}

/// Accepts connections that know whether they are doomed.
pub(crate) struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    doomed: Doomed,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, address: SocketAddr, doomed: Doomed) -> Self {
        Self { listener, address, doomed }
    }

    fn local(&self) -> LocalAddr {
        LocalAddr(Addr::SocketAddr(self.address))
    }
}

impl poem::listener::Acceptor for Acceptor {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.local()]
    }

    async fn accept(&mut self) -> io::Result<(Connection, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = self.listener.accept().await?;
        let connection = Connection { stream, peer, doomed: self.doomed.clone() };
        Ok((connection, self.local(), RemoteAddr(Addr::SocketAddr(peer)), Scheme::HTTP))
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    doomed: Doomed,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.doomed.forget(self.peer);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.doomed.contains(self.peer) {
            // With no time to linger, closing sends a reset instead of a farewell.
            return Poll::Ready(
                self.stream.set_zero_linger().and(Err(io::ErrorKind::ConnectionReset.into())),
            );
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
