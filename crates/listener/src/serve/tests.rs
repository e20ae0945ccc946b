//! A listener on loopback with bounds that a test can wait for, and a handler that a test can hold up.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::observer::CloseReason;

/// Answers `/` at once, `/held` when it is allowed to, `/echo` with the body, `/large` with a megabyte.
struct TestHandler {
    begun: Arc<Notify>,
    held: Arc<Semaphore>,
}

impl Handler for TestHandler {
    type Body = Full<Bytes>;

    async fn call(&self, request: Request<RequestBody>, _: Peer) -> Response<Full<Bytes>> {
        let body = match request.uri().path() {
            "/held" => {
                self.begun.notify_one();
                self.held.acquire().await.unwrap().forget();
                Bytes::from_static(b"released")
            }
            "/echo" => match request.into_body().collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => Bytes::from(error.to_string()),
            },
            "/large" => Bytes::from(vec![b'x'; 32 << 20]),
            _ => Bytes::from_static(b"here"),
        };
        Response::new(Full::new(body))
    }

    fn refuse(&self, status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(format!("refused with {}", status.as_u16())));
        response.headers_mut().insert("x-handler", HeaderValue::from_static("closed"));
        response
    }
}

#[derive(Default)]
struct Notes {
    open: AtomicUsize,
    refused: Mutex<Vec<CloseReason>>,
}

impl Observer for Notes {
    fn open_connections(&self, count: usize) {
        self.open.store(count, Ordering::SeqCst);
    }

    fn closed_early(&self, reason: CloseReason) {
        self.refused.lock().unwrap().push(reason);
    }
}

struct Stage {
    address: std::net::SocketAddr,
    notes: Arc<Notes>,
    begun: Arc<Notify>,
    held: Arc<Semaphore>,
    drain: Option<oneshot::Sender<()>>,
    close: Option<oneshot::Sender<()>>,
    task: JoinHandle<bool>,
}

fn quick() -> Limits {
    let time = Duration::from_millis(500);
    Limits { head_time: time, body_time: time, write_time: time, ..Limits::default() }
}

impl Stage {
    async fn start(limits: Limits, grace: Duration) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let notes = Arc::new(Notes::default());
        let (begun, held) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let handler = TestHandler { begun: Arc::clone(&begun), held: Arc::clone(&held) };
        let listener = Listener::new(socket, handler, limits, Arc::clone(&notes) as Arc<dyn Observer>);
        let (drain, draining) = oneshot::channel::<()>();
        let (close, closing) = oneshot::channel::<()>();
        let close_with_grace = async move {
            drop(closing.await);
            grace
        };
        let shutdown = Shutdown { drain: async { drop(draining.await) }, close: close_with_grace };
        let task = tokio::spawn(listener.serve(shutdown));
        Self { address, notes, begun, held, drain: Some(drain), close: Some(close), task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn say(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    fn refused(&self) -> Vec<CloseReason> {
        self.notes.refused.lock().unwrap().clone()
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// Everything until the other end closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes)).await.expect("it is closed"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer whose body ends with these words.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let byte = timeout(Duration::from_secs(30), stream.read_u8()).await.expect("an answer in time");
        bytes
            .push(byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&bytes))));
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let mut stream = stage.connect().await;
    for _ in 0..3 {
        stream.write_all(get("/").as_bytes()).await.unwrap();
        assert!(until(&mut stream, "here").await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(stage.notes.open.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn k1_a_connection_that_rests_for_too_long_is_closed() {
    let limits = Limits { idle_time: Duration::from_secs(1), ..Limits::default() };
    let stage = Stage::start(limits, Duration::ZERO).await;
    let (mut resting, mut busy) = (stage.say(&get("/")).await, stage.connect().await);
    until(&mut resting, "here").await;
    let closed = tokio::spawn(rest(resting));
    while !closed.is_finished() {
        busy.write_all(get("/").as_bytes()).await.unwrap();
        until(&mut busy, "here").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(closed.await.unwrap(), "", "without a word");
    assert_eq!(stage.refused(), [], "which is no refusal");
    assert_eq!(stage.notes.open.load(Ordering::SeqCst), 1, "whoever goes on asking is still there");
}

#[tokio::test]
async fn k1_silence_and_heads_in_drops_are_ended() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let silent = stage.connect().await;
    let mut slow = stage.say("GET / HTTP/1.1\r\n").await;
    let dripping = tokio::spawn(async move {
        while slow.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(rest(silent).await, "");
    timeout(Duration::from_secs(30), dripping).await.expect("it is closed").unwrap();
    assert_eq!(stage.refused(), [CloseReason::SlowRequest; 2]);
}

#[tokio::test]
async fn k1_a_body_in_drops_fails_and_the_connection_ends() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let stream = stage.say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab").await;
    let answer = rest(stream).await;
    assert!(answer.ends_with("the body did not come in time"), "{answer}");
}

#[tokio::test]
async fn k1_whoever_takes_nothing_of_an_answer_is_cut() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let stream = stage.say(&get("/large")).await;
    eventually_cut(&stage).await;
    drop(stream);
}

#[tokio::test]
async fn k1_whoever_shuts_down_its_writing_side_gets_what_it_has_asked_for_and_then_the_end() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let mut patient = stage.say(&[get("/held"), get("/")].concat()).await;
    stage.begun.notified().await;
    patient.shutdown().await.unwrap();
    // Longer than a head, a body or a reader may take.
    tokio::time::sleep(quick().head_time * 3).await;
    stage.held.add_permits(1);
    let answers = rest(patient).await;
    assert!(answers.contains("released") && answers.ends_with("here"), "{answers}");
    for words in ["", "\r\n", "GET / HTTP/1.1\r\nHost", "POST /held HTTP/1.1\r\nHost"] {
        let mut stream = stage.say(words).await;
        stream.shutdown().await.unwrap();
        assert_eq!(rest(stream).await, "", "{words:?}");
    }
    assert_eq!(stage.refused(), [], "nobody has kept us waiting");
    eventually_empty(&stage).await;
}

/// Somebody who takes nothing is noticed.
async fn eventually_cut(stage: &Stage) {
    let cut = async {
        while !stage.refused().contains(&CloseReason::SlowReader) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), cut).await.expect("it is noticed");
}

/// No connection stays behind.
async fn eventually_empty(stage: &Stage) {
    let empty = async {
        while stage.notes.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), empty).await.expect("every connection ends");
}

#[tokio::test]
async fn k1_a_body_that_ends_too_early_is_an_error_and_is_answered() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    for framing in ["Content-Length: 100\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"] {
        let mut stream = stage.say(&format!("POST /echo HTTP/1.1\r\nHost: x\r\n{framing}")).await;
        stream.shutdown().await.unwrap();
        let answer = rest(stream).await;
        assert!(!answer.ends_with("\r\n\r\nab"), "half a body is none: {answer}");
    }
    eventually_empty(&stage).await;
}

/// Whether it has shut down its writing side or not: a client that takes nothing is cut, however much it has asked for.
#[tokio::test]
async fn k1_whoever_asks_for_much_shuts_down_and_takes_nothing_is_cut() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let mut deaf = stage.say(&get("/large").repeat(50)).await;
    deaf.shutdown().await.unwrap();
    eventually_cut(&stage).await;
    eventually_empty(&stage).await;
    assert_eq!(stage.refused(), [CloseReason::SlowReader]);
}

#[tokio::test]
async fn when_all_places_are_taken_the_silent_make_place_and_the_busy_do_not() {
    let limits = Limits { max_connections: 2, head_time: Duration::from_secs(60), ..quick() };
    let stage = Stage::start(limits, Duration::ZERO).await;
    let mut busy = stage.say(&get("/held")).await;
    stage.begun.notified().await;
    let silent = stage.connect().await;
    // The third may find both places taken by then, or come before the silent one is noticed.
    let mut third = stage.say(&get("/")).await;
    assert!(until(&mut third, "here").await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(silent).await, "");
    assert_eq!(stage.refused(), [CloseReason::Evicted]);
    stage.held.add_permits(1);
    until(&mut busy, "released").await;
}

#[tokio::test]
async fn when_all_are_busy_one_more_is_told_to_come_back() {
    let stage = Stage::start(Limits { max_connections: 1, ..quick() }, Duration::ZERO).await;
    let _busy = stage.say(&get("/held")).await;
    stage.begun.notified().await;
    let refused = rest(stage.connect().await).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.ends_with("refused with 503"), "{refused}");
    assert_eq!(stage.refused(), [CloseReason::Overloaded]);
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let limits = Limits { max_connections_per_address: 1, ..quick() };
    let stage = Stage::start(limits, Duration::ZERO).await;
    let mut first = stage.say(&get("/")).await;
    until(&mut first, "here").await;
    assert!(rest(stage.connect().await).await.starts_with("HTTP/1.1 503"));
    assert_eq!(stage.refused(), [CloseReason::AddressFull]);
}

#[tokio::test]
async fn k3_k4_whatever_is_too_large_or_framed_twice_ends_the_connection() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    let long = "x".repeat(20_000);
    let many = "X-Many: y\r\n".repeat(200);
    for (request, status) in [
        (get(&format!("/{long}")), "414"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}{long}{long}{long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "431"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\nHost: x\n\n".into(), "400"),
        ("CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n".into(), "400"),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n".into(), "400"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".into(), "400"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde".into(), "400"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".into(), "400"),
        ("POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n folded\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nhost: y\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: good@evil.example\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nHost: a, b/c\r\n\r\n".into(), "400"),
    ] {
        let answer = rest(stage.say(&request).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) || answer.starts_with(&format!("HTTP/1.0 {status}")), "{status}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
        let body = format!("refused with {status}");
        let (head, said) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(said, body, "{answer}");
        for line in ["x-handler: closed", "connection: close", &format!("content-length: {}", body.len())] {
            assert_eq!(head.matches(line).count(), 1, "{line}: {head}");
        }
    }
}

/// RFC 9112 section 3.2: one `Host`, which may be empty; HTTP/1.0 did not have it.
#[tokio::test]
async fn a_request_with_one_host_is_served_and_one_of_http_1_0_without() {
    let stage = Stage::start(quick(), Duration::ZERO).await;
    for (version, host) in [
        ("1.1", "Host: x\r\n"),
        ("1.1", "Host: auth.example.com:8000\r\n"),
        ("1.1", "host: [2001:db8::1]:80\r\n"),
        ("1.1", "Host:\r\n"),
        ("1.0", "Host: x\r\n"),
        ("1.0", ""),
    ] {
        let answer =
            rest(stage.say(&format!("GET / HTTP/{version}\r\n{host}Connection: close\r\n\r\n")).await).await;
        assert!(answer.starts_with(&format!("HTTP/{version} 200")), "{version} {host:?}: {answer}");
    }
}

#[tokio::test]
async fn the_end_lets_requests_finish_and_closes_what_rests() {
    let mut stage = Stage::start(quick(), Duration::from_secs(60)).await;
    let mut resting = stage.say(&get("/")).await;
    until(&mut resting, "here").await;
    let busy = stage.say(&get("/held")).await;
    stage.begun.notified().await;
    drop(stage.drain.take());
    let mut late = stage.connect().await;
    let answer = loop {
        late.write_all(get("/").as_bytes()).await.unwrap();
        let answer = until(&mut late, "here").await;
        if answer.contains("connection: close") {
            break answer;
        }
    };
    assert!(answer.starts_with("HTTP/1.1 200"), "still served while it is known to end: {answer}");
    assert_eq!(rest(late).await, "", "and then closed");
    drop(stage.close.take());
    assert_eq!(rest(resting).await, "");
    stage.held.add_permits(1);
    assert!(rest(busy).await.ends_with("released"));
    assert!(stage.task.await.unwrap(), "everything was answered");
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let mut stage = Stage::start(quick(), Duration::from_millis(300)).await;
    let busy = stage.say(&get("/held")).await;
    stage.begun.notified().await;
    drop(stage.drain.take());
    drop(stage.close.take());
    assert!(!stage.task.await.unwrap());
    assert_eq!(rest(busy).await, "");
}
