//! Who answers.

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
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Answers one request. A client that has shut down its writing side waits for the answer, and cannot be told from one that
    /// has gone; the future is dropped when the listener ends the connection.
    fn call(
        &self,
        request: Request<RequestBody>,
        peer: Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// What a client reads whose request does not come to [`Handler::call`]: it cannot be read (400), its head is too
    /// large (414, 431), or there is no place for it (503). The status is the listener's, whatever the answer has.
    fn refuse(&self, status: StatusCode) -> Response<Bytes>;
}
