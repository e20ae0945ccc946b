//! The interface of what answers requests.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;

use crate::body::RequestBody;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Ours.
    pub local: SocketAddr,
    /// Theirs.
    pub remote: SocketAddr,
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Answers one request. A client that has shut down its writing side still waits for the response and cannot be told from
    /// one that has gone. The future is dropped when the listener closes the connection.
    fn call(
        &self,
        request: Request<RequestBody>,
        peer: Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// The response to a request that never reaches [`Handler::call`]: it cannot be parsed (400), its head is too large
    /// (414, 431), or the listener is overloaded (503). The listener sets the status, whatever the response has.
    fn refuse(&self, status: StatusCode) -> Response<Bytes>;
}
