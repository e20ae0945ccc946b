//! The socket of a client. It records what the connection is waiting for, and has the framing of requests checked.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::coarse_clock::CoarseClock;
use crate::connection::Connection;
use crate::error_rewrite::{ErrorRewriter, RefusalSource};
use crate::framing::Framing;

pub(crate) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    clock: Arc<CoarseClock>,
    framing: Framing,
    rewriter: ErrorRewriter,
}

impl Socket {
    pub(crate) fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        clock: Arc<CoarseClock>,
        source: Arc<dyn RefusalSource>,
    ) -> Self {
        Self { stream, connection, clock, framing: Framing::new(), rewriter: ErrorRewriter::new(source) }
    }

    /// Whether the rewriter writes in place of hyper: hyper's own refusals come while no request is under way.
    fn is_rewritten(&mut self, slices: &[IoSlice<'_>]) -> bool {
        self.rewriter.has_begun() || (!self.connection.is_serving() && self.rewriter.intercepts(slices))
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
            self.connection.mark_ambiguous();
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
        let this = &mut *self;
        let slices = [IoSlice::new(bytes)];
        let outcome = if this.is_rewritten(&slices) {
            this.rewriter.poll_write(&mut this.stream, context, &slices)
        } else {
            Pin::new(&mut this.stream).poll_write(context, bytes)
        };
        this.note_write(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let outcome = if this.is_rewritten(slices) {
            this.rewriter.poll_write(&mut this.stream, context, slices)
        } else {
            Pin::new(&mut this.stream).poll_write_vectored(context, slices)
        };
        this.note_write(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        if outcome.is_ready() {
            // hyper flushes once it has handed over a whole response, and need not read again before more bytes arrive.
            self.connection.waiting(self.clock.now());
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
