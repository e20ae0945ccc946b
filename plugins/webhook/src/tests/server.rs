//! A small HTTP server that does what a test says, well or badly.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Far more than any test takes, so that one that is wrong ends.
const LIMIT: Duration = Duration::from_secs(30);

/// What a request saw.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Counted from 0 over the life of the server.
    pub(super) connection: usize,
    pub(super) line: String,
    /// By names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What the server does with a request.
pub(super) enum Deed {
    /// Answers with status, further lines of the head, body; keeps the connection.
    Answer(u16, &'static str, String),
    /// Sends these bytes and closes.
    Send(Vec<u8>),
    /// Says nothing until the client has gone.
    Hang,
    /// Sends a head, then a byte of the body now and then until the client has gone.
    Drip,
    /// Closes with the request unread, which resets the connection.
    Reset,
}

impl Deed {
    /// 200 with this JSON.
    pub(super) fn json(body: &str) -> Self {
        Self::Answer(200, "content-type: application/json\r\n", body.to_owned())
    }

    pub(super) fn status(status: u16) -> Self {
        Self::Answer(status, "", String::new())
    }
}

pub(super) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    closed: Mutex<Receiver<()>>,
}

struct Shared {
    deeds: Mutex<VecDeque<Deed>>,
    requests: Mutex<Vec<Request>>,
    tls: Option<Arc<ServerConfig>>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Server {
    pub(super) fn start(deeds: impl IntoIterator<Item = Deed>) -> Self {
        Self::start_with(deeds, None)
    }

    pub(super) fn start_tls(deeds: impl IntoIterator<Item = Deed>, config: ServerConfig) -> Self {
        Self::start_with(deeds, Some(Arc::new(config)))
    }

    fn start_with(deeds: impl IntoIterator<Item = Deed>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let deeds = Mutex::new(deeds.into_iter().collect());
        let shared = Arc::new(Shared { deeds, requests: Mutex::default(), tls });
        let (sender, closed) = channel();
        let ours = Arc::clone(&shared);
        // It ends with the process, as do the connections.
        thread::spawn(move || accept(&listener, &ours, &sender));
        Self { address, scheme, shared, closed: Mutex::new(closed) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// What has come so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until the server has closed a connection.
    pub(super) fn wait_until_closed(&self) {
        self.closed.lock().unwrap().recv_timeout(LIMIT).expect("a connection is closed");
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, closed: &Sender<()>) {
    for (connection, stream) in listener.incoming().enumerate() {
        let (shared, closed) = (Arc::clone(shared), closed.clone());
        thread::spawn(move || {
            serve(connection, stream.unwrap(), &shared);
            closed.send(()).ok();
        });
    }
}

fn serve(connection: usize, stream: TcpStream, shared: &Shared) {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let stream: Box<dyn Stream> = match &shared.tls {
        None => Box::new(stream),
        Some(config) => {
            Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream))
        }
    };
    let mut stream = BufReader::new(stream);
    loop {
        // The bytes of a request that is to be reset stay in the kernel: only then does closing reset.
        if matches!(shared.deeds.lock().unwrap().front(), Some(Deed::Reset)) {
            let mut first = [0];
            stream.get_mut().read_exact(&mut first).unwrap();
            shared.deeds.lock().unwrap().pop_front();
            shared.requests.lock().unwrap().push(Request {
                connection,
                line: String::new(),
                headers: BTreeMap::new(),
                body: Vec::new(),
            });
            return;
        }
        let Some(request) = read(connection, &mut stream) else { return };
        shared.requests.lock().unwrap().push(request);
        let deed = shared.deeds.lock().unwrap().pop_front().unwrap_or_else(|| Deed::status(599));
        if perform(deed, stream.get_mut()).is_none() {
            return;
        }
    }
}

/// Does it; `None` when the connection is to be closed.
fn perform(deed: Deed, stream: &mut Box<dyn Stream>) -> Option<()> {
    match deed {
        Deed::Answer(status, head, body) => {
            let length =
                if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            let answer = format!("HTTP/1.1 {status} x\r\n{head}{length}\r\n{body}");
            stream.write_all(answer.as_bytes()).ok()?;
            stream.flush().ok()
        }
        Deed::Send(bytes) => {
            stream.write_all(&bytes).ok();
            stream.flush().ok();
            None
        }
        Deed::Hang => {
            stream.read_exact(&mut [0]).ok();
            None
        }
        Deed::Drip => {
            let head = "HTTP/1.1 200 x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n";
            stream.write_all(head.as_bytes()).ok()?;
            while stream.write_all(b" ").and_then(|()| stream.flush()).is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
            None
        }
        Deed::Reset => unreachable!("done before the request is read"),
    }
}

fn read(connection: usize, stream: &mut BufReader<Box<dyn Stream>>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers = lines[1..].iter().map(|line| line.split_once(": ").unwrap());
    let headers: BTreeMap<_, _> =
        headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some(Request { connection, line: lines[0].clone(), headers, body })
}
