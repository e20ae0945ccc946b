//! The one load generator: requests that are written beforehand, over connections that stay open.
//!
//! It does as little as it can for a request, because it shares the processors with what it measures.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More headers than any of the measured programs sends.
const MAX_HEADERS: usize = 64;

/// A connection that is made when it is needed and again when the server has closed it.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back. The text is in the connection until the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: usize,
    body: usize,
}

/// What a head says about the message that it begins.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    content_length: Option<usize>,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(8 * 1024) }
    }

    /// Sends a request and reads its answer. A connection that the server closed while it was idle is made anew once.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let reused = self.stream.is_some();
        match self.attempt(request).await {
            Err(_) if reused => {
                self.stream = None;
                self.attempt(request).await
            }
            outcome => outcome,
        }
        .inspect_err(|_| self.stream = None)
    }

    /// The head of this answer, with the empty line at its end.
    pub(crate) fn head(&self, answer: Answer) -> &[u8] {
        self.buffer.get(..answer.head).unwrap_or_default()
    }

    /// The body of this answer.
    pub(crate) fn body(&self, answer: Answer) -> &[u8] {
        self.buffer.get(answer.head..answer.head + answer.body).unwrap_or_default()
    }

    /// The value of a header of this answer.
    pub(crate) fn header(&self, answer: Answer, name: &str) -> Option<String> {
        let head = std::str::from_utf8(self.head(answer)).ok()?;
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim().to_owned())
    }

    async fn attempt(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = self.read_head(&mut stream).await?;
        let whole = match head.content_length {
            Some(body) => Some(head.length + body),
            None if head.status == 304 || head.status == 204 => Some(head.length),
            None => None,
        };
        self.read_until(&mut stream, whole).await?;
        if !head.closes && whole.is_some() {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, head: head.length, body: self.buffer.len() - head.length })
    }

    async fn read_head(&mut self, stream: &mut TcpStream) -> io::Result<Head> {
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = parse(&self.buffer)? {
                return Ok(head);
            }
        }
    }

    /// Reads so many bytes in all, or, when the answer does not say how many, to the end of the connection.
    async fn read_until(&mut self, stream: &mut TcpStream, whole: Option<usize>) -> io::Result<()> {
        while whole.is_none_or(|whole| self.buffer.len() < whole) {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return if whole.is_none() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads a head, when all of it is there.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).map_err(io::Error::other)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let mut head =
        Head { status: response.code.unwrap_or_default(), length, content_length: None, closes: false };
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            head.content_length = std::str::from_utf8(header.value).ok().and_then(|text| text.parse().ok());
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.closes = header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(io::Error::other("an answer in chunks is not measured"));
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 303 See Other\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nok";
        let head = Head { status: 303, length: text.len() - 2, content_length: Some(2), closes: true };
        assert_eq!(parse(text).unwrap(), Some(head));
        assert_eq!(parse(&text[..text.len() - 4]).unwrap(), None);
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn a_closed_connection_is_made_again_and_the_answer_can_be_looked_at() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 2];
                stream.read_exact(&mut request).await.unwrap();
                // In two pieces, and without a word about the end of the connection.
                stream.write_all(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Le").await.unwrap();
                stream.write_all(b"ngth: 3\r\n\r\nyes").await.unwrap();
            }
        });
        let mut connection = Connection::new(address);
        for _ in 0..2 {
            let answer = connection.send(b"Q\n").await.unwrap();
            assert_eq!(answer.status, 200);
            assert_eq!(connection.body(answer), b"yes");
            assert_eq!(connection.header(answer, "x-a").as_deref(), Some("b"));
        }
        server.await.unwrap();
    }
}
