//! A forward proxy that opens no tunnel.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Starts a forward proxy that refuses all it is asked; its `host:port`, and the heads of the requests as they came.
pub async fn refusing_forward_proxy() -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let (send, heads) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("the rest of a head"));
            }
            send.send(String::from_utf8(head).expect("a head in UTF-8")).expect("a test that looks at it");
            stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").await.expect("a reader");
        }
    });
    (address, heads)
}
