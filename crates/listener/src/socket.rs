//! The socket of a client, which notes what it is waiting for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::framing::Framing;
use crate::lookout::Clock;

pub(crate) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    clock: Arc<Clock>,
    framing: Framing,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>, clock: Arc<Clock>) -> Self {
        Self { stream, connection, clock, framing: Framing::new() }
    }

    fn note_write<T>(&self, outcome: Poll<T>) -> Poll<T> {
        match outcome {
            Poll::Pending => self.connection.set_blocked(self.clock.now()),
            Poll::Ready(_) => self.connection.clear_blocked(),
        }
        outcome
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &outcome {
            Poll::Pending => self.connection.waiting(self.clock.now()),
            Poll::Ready(_) => self.connection.heard(self.clock.now()),
        }
        if !self.framing.take(buffer.filled().get(before..).unwrap_or_default()) {
            self.connection.doubt();
        }
        outcome
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        if outcome.is_ready() {
            // hyper flushes when it has handed over everything; it need not read again before more has come.
            self.connection.waiting(self.clock.now());
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
