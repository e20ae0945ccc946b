//! What the documented proxies do besides sharing out the work: TLS, the address of the client, logs without tokens, and
//! what they never ask twice.

mod beside_an_app;
mod silent;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::{Certificate, redirect};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vestibule_test_support::{Client, Program, eventually, free_port};

use super::haproxy::Haproxy;
use super::stage::{Fleet, moved, reach_callback};
use crate::documents::markdown::repository;
use silent::SilentReplica;

/// Where the client of these tests is, and what it says that it is.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const PRETENDED: &str = "203.0.113.9";

/// Signs somebody in; the callback comes through this proxy from [`CLIENT`], which says that it is somebody else.
async fn sign_in_from_elsewhere(fleet: &Fleet, elsewhere: &reqwest::Client, proxy: &str) -> String {
    let browser = fleet.site.browser();
    let callback = reach_callback(&browser, &fleet.address(0), &fleet.site.person(1)).await.unwrap();
    let name = browser.cookie_names().remove(0);
    let cookie = format!("{name}={}", browser.cookie(&name).unwrap());
    let request = elsewhere.get(moved(&callback, proxy)).header("cookie", cookie);
    let answer = request.header("x-forwarded-for", PRETENDED).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let location = answer.headers()["location"].to_str().unwrap();
    location.split_once("jwt=").expect("a token").1.to_owned()
}

fn from_elsewhere() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().no_proxy().local_address(IpAddr::V4(CLIENT));
    builder.tls_certs_only([]).redirect(redirect::Policy::none())
}

/// The address that the service noted is the client's, not the proxy's and not the pretended one.
fn assert_address_is_known(fleet: &Fleet) {
    let noted = fleet.site.database.query("SELECT ip FROM sessions");
    assert_eq!(noted.as_deref(), Some(&*CLIENT.to_string()));
}

/// A self-signed certificate for loopback, and its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// The service answers under TLS; without TLS the same address is pointed to.
async fn assert_tls(plain: &str, encrypted: &str, certificate: &str) {
    let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]);
    let client = client.redirect(redirect::Policy::none()).build().unwrap();
    let answer = client.get(format!("{encrypted}/auth/check")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer = client.get(format!("{plain}/auth/check?next=x")).send().await.unwrap();
    assert_eq!(answer.status(), 308);
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with("https://127.0.0.1") && location.ends_with("/auth/check?next=x"),
        "{location}"
    );
    assert!(answer.headers().get("strict-transport-security").is_none(), "it means nothing without TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_tells_the_address_of_the_client_and_logs_no_token() {
    let fleet = Fleet::behind_proxy().await;
    let proxy = fleet.site.proxy.base_url();
    let token = sign_in_from_elsewhere(&fleet, &from_elsewhere().build().unwrap(), &proxy).await;
    assert_address_is_known(&fleet);
    let checked = fleet.site.browser().get(&format!("/auth/check?jwt={token}")).await;
    assert_eq!(checked.json()["authenticated"], true);
    let logged = async || fleet.site.proxy.log().contains("GET /auth/check");
    eventually("the request is logged", logged).await;
    assert!(!fleet.site.proxy.log().contains(&token[..40]), "{}", fleet.site.proxy.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_ends_tls_with_the_lines_that_are_given_for_it() {
    let fleet = Fleet::new().await;
    let mut proxy = Haproxy::new();
    let (certificate, key) = certificate();
    let port = free_port();
    let addresses: Vec<_> = fleet.replicas.iter().map(Program::base_url).collect();
    proxy.start_with_tls(&addresses, port, &format!("{certificate}{key}")).await;
    assert_tls(&proxy.base_url(), &format!("https://127.0.0.1:{port}"), &certificate).await;
}

/// The service itself says that its address is always asked under TLS, if that is https; no proxy says it again.
async fn assert_transport_security(encrypted: &str, certificate: &str) {
    let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    for path in ["/auth/check", "/auth/oauth_callback", "/nowhere", "/"] {
        let answer = client.get(format!("{encrypted}{path}")).send().await.unwrap();
        let said: Vec<_> = answer.headers().get_all("strict-transport-security").iter().collect();
        assert_eq!(said, ["max-age=31536000"], "{path}");
    }
}

/// A replica whose people come by https.
async fn https_replica() -> Program {
    let program = Program::builder().setting("EXTERNAL_ADDRESS", "https://auth.example.com");
    let program = program.setting("GITHUB_KEY", "id").setting("GITHUB_SECRET", "secret");
    program.share_signing_key().await;
    program.start().await
}

/// nginx with `deploy/nginx.conf` and nothing changed but addresses and places.
struct Nginx {
    folder: TempDir,
    process: Child,
    plain: String,
    encrypted: String,
}

impl Nginx {
    async fn start(replicas: &[String], certificate: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (plain, encrypted) = (free_port(), free_port());
        let configuration = nginx_configuration(folder.path(), [plain, encrypted], replicas);
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        fs::write(folder.path().join("vestibule.crt"), certificate).unwrap();
        fs::write(folder.path().join("vestibule.key"), key).unwrap();
        let usual = Path::new("/usr/sbin/nginx");
        let process = Command::new(if usual.exists() { usual } else { Path::new("nginx") })
            .args(["-e", "stderr", "-p"])
            .args([folder.path(), Path::new("-c"), &file])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed: run `make test-needs`");
        let (plain, encrypted) =
            (format!("http://127.0.0.1:{plain}"), format!("https://127.0.0.1:{encrypted}"));
        let client = Client::new(&plain);
        let answers = async || client.try_send(client.request(reqwest::Method::GET, "/")).await.is_ok();
        eventually("nginx listens", answers).await;
        Self { folder, process, plain, encrypted }
    }
}

impl Drop for Nginx {
    /// Its first process ends the others when it is asked to, and not when it is killed.
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::QUIT).ok();
        self.process.wait().ok();
    }
}

fn nginx_configuration(folder: &Path, [plain, encrypted]: [u16; 2], replicas: &[String]) -> String {
    let folder = folder.display();
    let mut documented = fs::read_to_string(repository().join("deploy/nginx.conf")).unwrap();
    let mut change = |from: &str, to: &str| {
        assert!(documented.contains(from), "{from}");
        documented = documented.replace(from, to);
    };
    change("listen 80;", &format!("listen 127.0.0.1:{plain};"));
    change("listen 443 ssl;", &format!("listen 127.0.0.1:{encrypted} ssl;"));
    for (port, replica) in [8000, 8001].into_iter().zip(replicas) {
        change(
            &format!("server 127.0.0.1:{port} "),
            &format!("server {} ", replica.trim_start_matches("http://")),
        );
    }
    change("/var/log/nginx", &folder.to_string());
    change("/etc/nginx", &folder.to_string());
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {folder}/{name};\n")).concat();
    format!(
        "daemon off;\nworker_processes 1;\npid {folder}/pid;\nevents {{}}\nhttp {{\n{temporary}{documented}}}\n"
    )
}

/// What met a replica that is gone was never received, so it is as good as before.
async fn assert_a_callback_is_finished_by_another_try(fleet: &Fleet, client: &reqwest::Client, proxy: &str) {
    let browser = fleet.site.browser();
    let callback = reach_callback(&browser, &fleet.address(0), &fleet.site.person(2)).await.unwrap();
    let name = browser.cookie_names().remove(0);
    let cookie = format!("{name}={}", browser.cookie(&name).unwrap());
    eventually("the callback is finished", async || {
        let request = client.get(moved(&callback, proxy)).header("cookie", cookie.clone());
        let status = request.send().await.unwrap().status().as_u16();
        assert!([303, 502].contains(&status), "{status}");
        status == 303
    })
    .await;
}

/// A replica is replaced without a word to the proxy ahead; whoever asks meanwhile has an answer.
async fn assert_nothing_is_lost_meanwhile(
    replica: &mut Program,
    client: &reqwest::Client,
    proxy: &str,
    token: &str,
) {
    let (stop, stopped) = watch::channel(false);
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (client, stopped) = (client.clone(), stopped.clone());
        let (check, update) = (format!("{proxy}/auth/check"), format!("{proxy}/auth/update"));
        let token = token.to_owned();
        callers.spawn(async move {
            while !*stopped.borrow() {
                for request in [client.get(&check), client.post(&update)] {
                    let answer = request.bearer_auth(&token).send().await.expect("an answer");
                    assert_eq!(answer.status(), 200, "{}", answer.url());
                }
            }
        });
    }
    let own = replica.client();
    for _ in 0..2 {
        replica.begin_stop();
        eventually("it begins to end", async || own.get("/readyz").await.status == 503).await;
        // The second signal: at once.
        replica.begin_stop();
        replica.ended().await;
        replica.start_again().await;
    }
    stop.send_replace(true);
    callers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_documented_proxy_each_answer_asks_for_tls_once() {
    let replicas = [https_replica().await, https_replica().await];
    let addresses: Vec<_> = replicas.iter().map(Program::base_url).collect();
    let (certificate, key) = certificate();
    let nginx = Nginx::start(&addresses, &certificate, &key).await;
    assert_transport_security(&nginx.encrypted, &certificate).await;
    let (mut haproxy, port) = (Haproxy::new(), free_port());
    haproxy.start_with_tls(&addresses, port, &format!("{certificate}{key}")).await;
    assert_transport_security(&format!("https://127.0.0.1:{port}"), &certificate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_ends_tls_tells_the_address_of_the_client_and_logs_no_token() {
    let mut fleet = Fleet::new().await;
    let (certificate, key) = certificate();
    let addresses: Vec<_> = fleet.replicas.iter().take(2).map(Program::base_url).collect();
    let nginx = Nginx::start(&addresses, &certificate, &key).await;
    assert_tls(&nginx.plain, &nginx.encrypted, &certificate).await;

    let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = from_elsewhere().tls_certs_only([trusted]).build().unwrap();
    let token = sign_in_from_elsewhere(&fleet, &client, &nginx.encrypted).await;
    assert_address_is_known(&fleet);

    // The other one is never given a rest, as nginx does to one that failed: two that rest would be none.
    assert_nothing_is_lost_meanwhile(&mut fleet.replicas[1], &client, &nginx.encrypted, &token).await;
    // Whatever a replica had in hand, the other one answers.
    fleet.replicas[1].kill().await;
    for _ in 0..20 {
        let answer = client.get(format!("{}/auth/check?jwt={token}", nginx.encrypted)).send().await.unwrap();
        assert!(answer.text().await.unwrap().contains("\"authenticated\":true"));
    }
    assert_a_callback_is_finished_by_another_try(&fleet, &client, &nginx.encrypted).await;
    let logs = ["vestibule.log", "vestibule-error.log"];
    let logs = logs.map(|name| fs::read_to_string(nginx.folder.path().join(name)).unwrap()).concat();
    assert!(logs.contains("\"GET /auth/check\" 200"), "{logs}");
    assert!(!logs.contains(&token[..40]), "{logs}");
}

/// What stands for a code that is good once, and what may be asked as often as it takes.
const ONCE: [&str; 3] = ["/auth/oauth_callback", "/auth/callback/corporate", "/auth/callback/other"];
const MANY: &str = "/auth/check";

/// The replicas take every request and close without an answer, as one that dies does.
async fn assert_callbacks_are_sent_once(proxy: &reqwest::Client, base: &str, replicas: &[SilentReplica; 2]) {
    let asked = |path: &str| replicas.iter().map(|replica| replica.asked(path)).sum::<usize>();
    let ask = async |path: &str| {
        let before = asked(path);
        proxy.get(format!("{base}{path}?state=x&code=y")).send().await.ok();
        asked(path) - before
    };
    for path in ONCE {
        // A proxy that has just learned that both are dead may not ask at all.
        eventually("the callback is sent", async || {
            let times = ask(path).await;
            assert!(times <= 1, "{path}: {times} times");
            times == 1
        })
        .await;
    }
    eventually("what may be asked twice is", async || ask(MANY).await > 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_sends_a_callback_once() {
    let replicas = [SilentReplica::start(), SilentReplica::start()];
    let mut proxy = Haproxy::new();
    proxy.start(&replicas.each_ref().map(SilentReplica::url)).await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    assert_callbacks_are_sent_once(&client, &proxy.base_url(), &replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_sends_a_callback_once() {
    let replicas = [SilentReplica::start(), SilentReplica::start()];
    let (certificate, key) = certificate();
    let nginx = Nginx::start(&replicas.each_ref().map(SilentReplica::url), &certificate, &key).await;
    let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    assert_callbacks_are_sent_once(&client, &nginx.encrypted, &replicas).await;
}
