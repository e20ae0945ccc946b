//! Exact bytes over TCP, for what no HTTP library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// A connection that sends what it is told.
#[derive(Debug)]
pub struct RawConnection(TcpStream);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Every byte.
    pub bytes: Vec<u8>,
    /// The peer has closed the connection, rather than still hold it when the time was over.
    pub closed: bool,
}

impl Received {
    /// The bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The statuses of all HTTP/1 answers in it, in order.
    pub fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        let lines = text.split("HTTP/1.").skip(1);
        lines.filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect()
    }
}

impl RawConnection {
    /// Connects to the host and port of an address such as `http://127.0.0.1:8000`.
    pub async fn open(base_url: &str) -> Self {
        let url = Url::parse(base_url).expect("an address");
        let host = url.host_str().expect("an address with a host");
        let port = url.port_or_known_default().expect("an address with a port");
        Self(TcpStream::connect((host, port)).await.expect("the server accepts connections"))
    }

    /// Sends all of the bytes. A peer that has closed the connection is not an error: what it said before is what
    /// counts, and [`RawConnection::receive`] shows it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.ok();
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        self.0.shutdown().await.ok();
    }

    /// Ends the connection at once and with a reset, whatever is under way.
    pub fn reset(self) {
        self.0.set_zero_linger().ok();
    }

    /// Receives until the peer closes the connection, or `at_most` so long.
    pub async fn receive(&mut self, at_most: Duration) -> Received {
        let deadline = Instant::now() + at_most;
        let mut bytes = Vec::new();
        let closed = loop {
            match timeout_at(deadline, self.0.read_buf(&mut bytes)).await {
                Err(_) => break false,
                Ok(Ok(0) | Err(_)) => break true,
                Ok(Ok(_)) => {}
            }
        };
        Received { bytes, closed }
    }

    /// Sends one request and receives until the peer closes the connection, or ten seconds.
    pub async fn exchange(base_url: &str, bytes: impl AsRef<[u8]>) -> Received {
        let mut connection = Self::open(base_url).await;
        connection.send(bytes).await;
        connection.receive(Duration::from_secs(10)).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn serve_once(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.expect("four bytes");
            stream.write_all(&request).await.expect("an open connection");
            stream.write_all(answer).await.expect("an open connection");
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn bytes_arrive_as_they_were_sent_and_the_end_is_seen() {
        let base_url = serve_once(b" back").await;
        let received = RawConnection::exchange(&base_url, b"\0\xff\r\n").await;
        assert_eq!(received, Received { bytes: b"\0\xff\r\n back".to_vec(), closed: true });
    }

    #[tokio::test]
    async fn every_status_is_found() {
        let base_url = serve_once(b"HTTP/1.1 400 Bad Request\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").await;
        assert_eq!(RawConnection::exchange(&base_url, "GET ").await.statuses(), [400, 200]);
    }
}
