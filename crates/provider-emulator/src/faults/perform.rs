//! How each fault is done.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use http::{StatusCode, header};
use poem::{Body, Response};

use super::{Answer, Fault, gzip};
use crate::connection::Doomed;

const MEBIBYTE: usize = 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// Does to the request from `peer` what the fault says.
pub(crate) async fn perform(fault: Fault, doomed: &Doomed, peer: Option<SocketAddr>) -> Response {
    match fault {
        Fault::Hang => future::pending().await,
        Fault::HangInBody => json_body(hanging_body()),
        Fault::Close => {
            if let Some(peer) = peer {
                doomed.doom(peer);
            }
            Response::default()
        }
        Fault::Answer(answer) => give(answer),
        Fault::HugeBody { mebibytes } => json_body(huge_body(mebibytes)),
        Fault::GzipBomb { mebibytes } => {
            let mut response = json_body(Body::from_vec(gzip::spaces(mebibytes)));
            response.headers_mut().insert(header::CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
            response
        }
    }
}

fn json_body(body: Body) -> Response {
    Response::builder().header(header::CONTENT_TYPE, "application/json").body(body)
}

fn give(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = Response::builder().status(status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(answer.body)
}

fn hanging_body() -> Body {
    let first = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
    Body::from_bytes_stream(first.chain(stream::pending()))
}

/// Spaces: JSON allows any number of them before a value, so a parser reads on and on.
fn huge_body(mebibytes: usize) -> Body {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    let chunks = mebibytes.saturating_mul(MEBIBYTE / CHUNK);
    Body::from_bytes_stream(stream::iter((0..chunks).map(move |_| Ok::<_, io::Error>(chunk.clone()))))
}
