//! Requests and answers as they come from the wire.

use std::net::SocketAddr;

use poem::http::header::{CONTENT_LENGTH, HOST};
use poem::http::uri::Scheme;
use poem::http::{self, HeaderValue};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Request, RequestParts, Response};
use url::{Position, Url};
use vestibule_test_support::Answer;

/// The other end of every connection.
const PEER: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);

/// A request as the listener reads it: the path alone in its first line, the host and the length of the body in headers.
pub(crate) fn to_poem(request: &reqwest::Request) -> (Url, Request) {
    let url = request.url().clone();
    let mut parts = http::Request::new(()).into_parts().0;
    parts.method = request.method().clone();
    parts.uri = url[Position::BeforePath..Position::AfterQuery].parse().expect("a path");
    parts.headers = request.headers().clone();
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).expect("a host");
    parts.headers.entry(HOST).or_insert(host);
    let body = request.body().map(|body| body.as_bytes().expect("a body in memory").to_vec());
    if let Some(body) = &body {
        parts.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(body.len()));
    }
    let peer = RemoteAddr(Addr::SocketAddr(SocketAddr::from(PEER)));
    let parts = RequestParts::from((parts, LocalAddr::default(), peer, Scheme::HTTP));
    (url, Request::from_parts(parts, body.map_or_else(Body::empty, Body::from)))
}

/// An answer, read to its end.
pub(crate) async fn to_answer(url: Url, mut response: Response) -> Answer {
    let body = response.take_body().into_vec().await.expect("a body that does not break off");
    Answer {
        url,
        status: response.status(),
        headers: response.headers().clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}
