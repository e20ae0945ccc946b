//! The socket of a client, which notes what it is waiting for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::framing::Framing;
use crate::lookout::Clock;
use crate::refusal::{BareHead, Refuser};

pub(crate) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    clock: Arc<Clock>,
    framing: Framing,
    refuser: Arc<dyn Refuser>,
    /// What is still to be written in the place of hyper's own answer.
    refusal: Option<Bytes>,
}

impl Socket {
    pub(crate) fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        clock: Arc<Clock>,
        refuser: Arc<dyn Refuser>,
    ) -> Self {
        Self { stream, connection, clock, framing: Framing::new(), refuser, refusal: None }
    }

    /// hyper answers by itself, and with a status alone, what it cannot read: whatever is written while no request is under
    /// way. Such an answer becomes one that looks like all others.
    fn refuses(&mut self, slices: &[IoSlice<'_>]) -> bool {
        if self.refusal.is_none() && !self.connection.is_serving() {
            let head = BareHead::read(slices);
            let answer =
                head.as_ref().and_then(|head| Some(head.with(&self.refuser.refusal(head.status()?))));
            self.refusal = answer;
        }
        self.refusal.is_some()
    }

    /// Writes it, and then says that these bytes of hyper's are gone.
    fn poll_refuse(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.refusal.as_mut().filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.advance(written);
        }
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
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
        let slices = [IoSlice::new(bytes)];
        let outcome = if self.refuses(&slices) {
            self.poll_refuse(context, &slices)
        } else {
            Pin::new(&mut self.stream).poll_write(context, bytes)
        };
        self.note_write(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = if self.refuses(slices) {
            self.poll_refuse(context, slices)
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(context, slices)
        };
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
