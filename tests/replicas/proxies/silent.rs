//! A replica that is well by all that a proxy asks it, and closes on everything else without an answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// One of them, on a port of its own, until it is dropped.
pub(super) struct SilentReplica {
    address: SocketAddr,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    paths: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl SilentReplica {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::<Kept>::default();
        let ours = Arc::clone(&kept);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ours.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let kept = Arc::clone(&ours);
                thread::spawn(move || take(&stream, &kept));
            }
        });
        Self { address, kept }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often this path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.kept.paths.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }
}

impl Drop for SilentReplica {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::SeqCst);
        // So that the listener sees it.
        drop(TcpStream::connect(self.address));
    }
}

/// One request, whole: what is closed before it is read is reset, which proxies tell apart.
fn take(mut stream: &TcpStream, kept: &Kept) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let path = head.split([' ', '?']).nth(1)?;
    if ["/readyz", "/healthz"].contains(&path) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).ok()?;
    } else {
        kept.paths.lock().unwrap().push(path.to_owned());
    }
    Some(())
}
