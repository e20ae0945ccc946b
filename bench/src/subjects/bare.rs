//! A handler that does nothing but give one answer: what poem itself costs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::{Request, Response, Server};

use crate::failure::{Outcome, While};
use crate::process::Process;

use super::{ourselves, start_and_read_line, wait_for_end_of_input};

/// A bare handler in a process of its own.
pub(crate) struct Bare {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts one that gives the same answer as another program gave: as many headers, as many bytes.
    pub(crate) fn start(directory: &Path, name: &str, answer: &[u8]) -> Outcome<Self> {
        let file = directory.join(format!("{name}.answer"));
        fs::write(&file, answer).doing("the answer to give")?;
        let (process, line) = start_and_read_line(ourselves(&["bare", &file.to_string_lossy()])?)?;
        Ok(Self { process, address: line.parse().doing("its address")? })
    }
}

/// Serves until the input ends.
pub(crate) fn serve(file: &Path) -> Outcome<()> {
    let (headers, body) = read(&fs::read(file).doing("the answer to give")?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("a runtime")?;
    runtime.block_on(async {
        let acceptor = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).into_acceptor().await.doing("a port")?;
        for address in acceptor.local_addr() {
            println!("{address}", address = address.to_string().trim_start_matches("socket://"));
        }
        let handler = poem::endpoint::make_sync(move |_: Request| {
            let mut response = Response::from(body.clone());
            response.set_status(StatusCode::OK);
            response.headers_mut().clone_from(&headers);
            response
        });
        let end = async {
            // The waiting cannot fail.
            tokio::task::spawn_blocking(wait_for_end_of_input).await.ok();
        };
        Server::new_with_acceptor(acceptor)
            .run_with_graceful_shutdown(handler, end, None)
            .await
            .doing("serving")
    })
}

/// An answer as it came over the wire: its headers, without those that a server writes by itself, and its body.
fn read(answer: &[u8]) -> Outcome<(HeaderMap, Bytes)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").doing("a head")?;
    let (head, body) = answer.split_at_checked(end + 4).doing("a body")?;
    let mut headers = HeaderMap::new();
    for (name, value) in String::from_utf8_lossy(head).lines().filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::try_from(name).doing("a header's name")?;
        if ![header::DATE, header::CONTENT_LENGTH, header::CONNECTION].contains(&name) {
            headers.append(name, HeaderValue::try_from(value).doing("a header's value")?);
        }
    }
    Ok((headers, Bytes::copy_from_slice(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: now\r\ncontent-length: 2\r\n\r\nok";
        let (headers, body) = read(answer).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain");
        assert_eq!(&*body, b"ok");
    }
}
