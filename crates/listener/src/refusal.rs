//! What a client reads whose request never reached the handler. The handler says it, so that all errors look alike.

use std::io::IoSlice;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// Says what a client reads that is refused by the listener itself.
pub(crate) trait Refuser: Send + Sync {
    fn refusal(&self, status: StatusCode) -> Response<Bytes>;
}

/// The whole answer of hyper to a head that it cannot read has a head of its own and nothing else, and is not longer.
const LONGEST: usize = 256;
const NO_BODY: &str = "content-length: 0\r\n";
const END: &str = "\r\n\r\n";

/// The head, if that is all there is and it refuses a request.
pub(crate) struct BareHead(String);

impl BareHead {
    /// Reads what hyper is about to write while no request is under way.
    pub(crate) fn read(slices: &[IoSlice<'_>]) -> Option<Self> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let first = slices.iter().find(|slice| !slice.is_empty())?;
        if length > LONGEST || !first.starts_with(b"HTTP/1.") {
            return None;
        }
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let head = Self(String::from_utf8(bytes).ok()?);
        let whole = head.0.find(END).is_some_and(|at| at + END.len() == length) && head.0.contains(NO_BODY);
        let refused = head.status().is_some_and(|status| status.is_client_error());
        (whole && refused).then_some(head)
    }

    /// For a client that is refused before there was a connection to speak of.
    pub(crate) fn no_place() -> Self {
        Self(format!("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n{NO_BODY}\r\n"))
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.0.split(' ').nth(1)?.parse().ok()
    }

    /// The answer with this head, and with the headers and the body of another.
    pub(crate) fn with(&self, answer: &Response<Bytes>) -> Bytes {
        let (head, rest) = self.0.split_once(NO_BODY).unwrap_or((&self.0, ""));
        let mut bytes = head.as_bytes().to_vec();
        for (name, value) in answer.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n{rest}", answer.body().len()).into_bytes());
        bytes.extend_from_slice(answer.body());
        bytes.into()
    }
}

/// The same as an answer that hyper writes, after which the connection ends.
pub(crate) fn last(answer: Response<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = answer.map(Full::new);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Sun, 29 Nov 2026 10:00:00 GMT\r\n\r\n";

    fn read(pieces: &[&str]) -> Option<BareHead> {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
        BareHead::read(&slices)
    }

    #[test]
    fn a_bare_head_is_known_in_however_many_pieces_and_gets_a_body() {
        assert_eq!(read(&[BARE]).unwrap().status(), Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        let (start, rest) = BARE.split_at(20);
        let head = read(&["", start, rest]).unwrap();
        let mut answer = Response::new(Bytes::from_static(b"{}"));
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let expected =
            BARE.replace("content-length: 0\r\n", "cache-control: no-store\r\ncontent-length: 2\r\n");
        assert_eq!(head.with(&answer), expected + "{}");
    }

    #[test]
    fn whatever_else_is_written_is_left_alone() {
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
}
