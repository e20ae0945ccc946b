//! The response to a request that hyper refuses.
//!
//! hyper answers what it cannot parse (400, 414, 431) by itself: a head without a body, and no hook to change it. Clients
//! are promised JSON and a request id in every error, so the handler's response has to take the place of that head. This is
//! done where hyper writes to the socket: while no request is under way, hyper writes nothing else, so a complete head with an
//! error status and `content-length: 0` is such an answer. The status line and the headers of hyper stay, and the headers and
//! the body of [`RefusalSource`] are added. Whatever does not look exactly like that is written unchanged.
//!
//! The tests at the end run hyper itself, so that a release which writes its refusals in another form fails them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use tokio::io::AsyncWrite;

/// Makes the response to a request that never reaches the handler.
pub(crate) trait RefusalSource: Send + Sync {
    fn refusal(&self, status: StatusCode) -> Response<Bytes>;
}

/// Replaces hyper's own refusal on one connection.
pub(crate) struct ErrorRewriter {
    source: Arc<dyn RefusalSource>,
    /// What is still to be written in place of hyper's refusal.
    replacement: Option<Bytes>,
}

impl ErrorRewriter {
    pub(crate) fn new(source: Arc<dyn RefusalSource>) -> Self {
        Self { source, replacement: None }
    }

    /// Looks at what hyper is about to write while no request is under way. If it is a refusal, [`ErrorRewriter::poll_write`] has
    /// to write in its place.
    pub(crate) fn intercepts(&mut self, slices: &[IoSlice<'_>]) -> bool {
        if self.replacement.is_none() {
            let head = BareHead::read(slices);
            self.replacement =
                head.and_then(|head| Some(head.with_response(&self.source.refusal(head.status()?))));
        }
        self.replacement.is_some()
    }

    /// Whether the replacement has been begun; everything that hyper writes belongs to its refusal then.
    pub(crate) fn has_begun(&self) -> bool {
        self.replacement.is_some()
    }

    /// Writes the replacement, then reports hyper's bytes as written.
    pub(crate) fn poll_write(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.replacement.as_mut().filter(Buf::has_remaining) {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.advance(written);
        }
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }
}

/// hyper's refusal is shorter than this.
const MAX_HEAD_BYTES: usize = 256;
const NO_BODY: &str = "content-length: 0\r\n";
const END: &str = "\r\n\r\n";

/// The head of a refusal, without a body.
pub(crate) struct BareHead(String);

impl BareHead {
    /// The head, if these bytes are nothing but the complete head of a refusal.
    pub(crate) fn read(slices: &[IoSlice<'_>]) -> Option<Self> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let first = slices.iter().find(|slice| !slice.is_empty())?;
        if length > MAX_HEAD_BYTES || !first.starts_with(b"HTTP/1.") {
            return None;
        }
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let head = Self(String::from_utf8(bytes).ok()?);
        let whole = head.0.find(END).is_some_and(|at| at + END.len() == length) && head.0.contains(NO_BODY);
        let refused = head.status().is_some_and(|status| status.is_client_error());
        (whole && refused).then_some(head)
    }

    /// The head for a client that is refused before hyper sees its connection.
    pub(crate) fn overloaded() -> Self {
        Self(format!("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n{NO_BODY}\r\n"))
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.0.split(' ').nth(1)?.parse().ok()
    }

    /// This head with the headers and the body of a response.
    pub(crate) fn with_response(&self, response: &Response<Bytes>) -> Bytes {
        let (head, rest) = self.0.split_once(NO_BODY).unwrap_or((&self.0, ""));
        let mut bytes = head.as_bytes().to_vec();
        for (name, value) in response.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n{rest}", response.body().len()).into_bytes());
        bytes.extend_from_slice(response.body());
        bytes.into()
    }
}

/// A refusal of a request that hyper has parsed. hyper writes it and closes the connection.
pub(crate) fn closing(response: Response<Bytes>) -> Response<Full<Bytes>> {
    let mut response = response.map(Full::new);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Sun, 29 Nov 2026 10:00:00 GMT\r\n\r\n";

    fn read(pieces: &[&str]) -> Option<BareHead> {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
        BareHead::read(&slices)
    }

    #[test]
    fn a_bare_head_is_recognized_in_any_number_of_pieces_and_gets_a_body() {
        assert_eq!(read(&[BARE]).unwrap().status(), Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        let (start, rest) = BARE.split_at(20);
        let head = read(&["", start, rest]).unwrap();
        let mut response = Response::new(Bytes::from_static(b"{}"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let expected =
            BARE.replace("content-length: 0\r\n", "cache-control: no-store\r\ncontent-length: 2\r\n");
        assert_eq!(head.with_response(&response), expected + "{}");
    }

    #[test]
    fn other_bytes_are_not_taken_for_a_refusal() {
        let with_body = BARE.replace("length: 0", "length: 2") + "{}";
        for other in [
            &with_body,
            &BARE.replace("431", "200"),
            &BARE.repeat(2),
            BARE.split_at(1).1,
            BARE.split_at(60).0,
            "",
        ] {
            assert!(read(&[other]).is_none(), "{other:?}");
        }
    }

    /// The bytes with which hyper alone answers a request, and whether a handler saw that request.
    async fn answer_of_hyper(request: &str) -> (String, bool) {
        let (mut client, server) = duplex(256 * 1024);
        let (handled, mut was_handled) = tokio::sync::mpsc::channel(1);
        let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
            let _ = handled.try_send(());
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"here")))))
        });
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let mut http = http1::Builder::new();
        http.max_buf_size(32 * 1024).max_headers(100).half_close(true);
        drop(http.serve_connection(TokioIo::new(server), service).await);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        (answer, was_handled.try_recv().is_ok())
    }

    #[tokio::test]
    async fn each_refusal_of_hyper_is_one_head_that_is_recognized() {
        let long = "x".repeat(70_000);
        let many = "X: y\r\n".repeat(101);
        for (request, status) in [
            (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431),
            (format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"), 431),
            (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431),
            ("GET / HTTP/1.1\r\nX : y\r\n\r\n".to_owned(), 400),
            ("GET /\u{7f} HTTP/1.1\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n".to_owned(), 400),
        ] {
            let (answer, handled) = answer_of_hyper(&request).await;
            assert!(!handled, "{answer}");
            let head = read(&[&answer]).unwrap_or_else(|| panic!("{status}: not recognized: {answer:?}"));
            assert_eq!(head.status().map(|status| status.as_u16()), Some(status), "{answer}");
        }
    }

    #[tokio::test]
    async fn an_answer_of_a_handler_is_not_taken_for_a_refusal() {
        let (answer, handled) = answer_of_hyper("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(handled && read(&[&answer]).is_none(), "{answer}");
    }
}
