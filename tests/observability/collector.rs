//! A collector: takes spans by the OpenTelemetry protocol over HTTP and keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// One collector, on a port of its own, until it is dropped.
pub(crate) struct Collector {
    address: SocketAddr,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    spans: Mutex<Vec<Span>>,
    /// Heads and bodies of all requests, as they came.
    raw: Mutex<Vec<u8>>,
    refuses: AtomicBool,
    is_over: AtomicBool,
}

impl Collector {
    pub(crate) fn start() -> Self {
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

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on nothing is taken, or it is again.
    pub(super) fn refuse(&self, refuses: bool) {
        self.kept.refuses.store(refuses, Ordering::SeqCst);
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.kept.spans.lock().unwrap().clone()
    }

    /// Everything that came in, for a search.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.kept.raw.lock().unwrap()).into_owned()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::SeqCst);
        // So that the listener sees it.
        drop(TcpStream::connect(self.address));
    }
}

/// One request after the other until the other side has no more.
fn take(stream: &TcpStream, kept: &Kept) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = read(&mut reader) {
        kept.raw.lock().unwrap().extend([head.as_bytes(), &body].concat());
        let status = if kept.refuses.load(Ordering::SeqCst) {
            "503 Service Unavailable"
        } else {
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            keep(&body, kept);
            "200 OK"
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn keep(body: &[u8], kept: &Kept) {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of the protocol");
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        assert!(attributes.iter().any(|attribute| attribute.key == "service.name"), "{attributes:?}");
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.spans.lock().unwrap().extend(spans);
    }
}

/// An attribute of a span as text.
pub(super) fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.clone()?.value? {
        any_value::Value::StringValue(text) => Some(text),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}
