//! A provider that has turned evil: it answers as OpenID Connect wants, and sends whoever comes on to another provider.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use url::{Url, form_urlencoded};

/// One such provider, on a port of its own, until it is dropped.
pub(super) struct EvilProvider {
    address: SocketAddr,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    lure: Mutex<Option<Url>>,
    codes: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl EvilProvider {
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
                thread::spawn(move || serve(&stream, address, &kept));
            }
        });
        Self { address, kept }
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the operator wrote down about it while it was good.
    pub(super) fn table(&self, name: &str) -> String {
        let issuer = self.issuer();
        format!("[providers.{name}]\nissuer = \"{issuer}\"\nclient_id = \"id\"\nclient_secret = \"secret\"\n")
    }

    /// From now on people are sent to this address, with the state that they come with.
    pub(super) fn lure_to(&self, address: Url) {
        *self.kept.lure.lock().unwrap() = Some(address);
    }

    /// The codes that its token endpoint was given, each once.
    pub(super) fn take_codes(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.codes.lock().unwrap())
    }
}

impl Drop for EvilProvider {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::SeqCst);
        // So that the listener sees it.
        drop(TcpStream::connect(self.address));
    }
}

/// One request after the other until the other side has no more.
fn serve(mut stream: &TcpStream, address: SocketAddr, kept: &Kept) {
    let mut reader = BufReader::new(stream);
    while let Some((target, body)) = read(&mut reader) {
        let (status, header, body) = answer(&target, &body, address, kept);
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// The target and the body of the next request.
fn read(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head.split(' ').nth(1)?.to_owned(), String::from_utf8(body).ok()?))
}

fn answer(target: &str, body: &str, address: SocketAddr, kept: &Kept) -> (&'static str, String, String) {
    const JSON: &str = "Content-Type: application/json";
    let here = Url::parse(&format!("http://{address}")).unwrap();
    let asked = here.join(target).unwrap();
    let json = |status, value: serde_json::Value| (status, JSON.to_owned(), value.to_string());
    let below = |path: &str| format!("http://{address}{path}");
    match asked.path() {
        "/.well-known/openid-configuration" => json(
            "200 OK",
            json!({
                "issuer": format!("http://{address}"),
                "authorization_endpoint": below("/authorize"),
                "token_endpoint": below("/token"),
                "jwks_uri": below("/jwks"),
            }),
        ),
        "/authorize" => {
            let mut on = kept.lure.lock().unwrap().clone().expect("an address to send people to");
            let state = find(asked.query().unwrap_or_default(), "state").expect("a state");
            on.query_pairs_mut().append_pair("state", &state);
            ("302 Found", format!("Location: {on}"), String::new())
        }
        "/token" => {
            kept.codes.lock().unwrap().extend(find(body, "code"));
            json("400 Bad Request", json!({"error": "invalid_grant"}))
        }
        _ => json("200 OK", json!({"keys": []})),
    }
}

fn find(text: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(text.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
