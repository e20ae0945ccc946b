//! `HAProxy` on loopback, with `deploy/haproxy.cfg` and nothing changed but the addresses.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use vestibule_test_support::{Client, Method, eventually, free_port};

use crate::documents::markdown::repository;

/// A proxy that runs; it ends on drop.
pub(super) struct Haproxy {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Haproxy {
    /// A proxy that has its address and does not run yet, because the replicas must know the address first.
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), port: free_port(), process: None }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it in front of these addresses and waits until it has found all of them ready.
    pub(super) async fn start(&mut self, replicas: &[String]) {
        self.run(&configured(self.port, replicas), replicas.len()).await;
    }

    /// The same with TLS on another port, by the lines that stand in the configuration as remarks.
    pub(super) async fn start_with_tls(&mut self, replicas: &[String], port: u16, certificate_and_key: &str) {
        let file = self.folder.path().join("vestibule.pem");
        fs::write(&file, certificate_and_key).unwrap();
        let text = configured(self.port, replicas);
        assert_eq!(text.matches("    # bind :443 ").count(), 1);
        assert_eq!(text.matches("    # http-request redirect ").count(), 1);
        let text = text
            .replace("    # bind :443 ", &format!("    bind 127.0.0.1:{port} "))
            .replace("    # http-request redirect ", "    http-request redirect ")
            .replace("/etc/haproxy/vestibule.pem", file.to_str().unwrap());
        self.run(&text, replicas.len()).await;
    }

    async fn run(&mut self, text: &str, replicas: usize) {
        let configuration = self.folder.path().join("haproxy.cfg");
        fs::write(&configuration, text).unwrap();
        let extras = self.folder.path().join("test.cfg");
        let socket = self.socket();
        fs::write(&extras, format!("global\n    stats socket {} mode 600\n", socket.display())).unwrap();
        let log = File::create(self.folder.path().join("log")).unwrap();
        let process = Command::new(program())
            .arg("-db")
            .args(["-f".as_ref(), configuration.as_os_str(), "-f".as_ref(), extras.as_os_str()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.process = Some(process.expect("haproxy is installed: run `make test-needs`"));
        let client = Client::new(&self.base_url());
        let answers = async || client.try_send(client.request(Method::GET, "/healthz")).await.is_ok();
        eventually("the proxy listens", answers).await;
        for number in 1..=replicas {
            self.until(number, "UP").await;
        }
    }

    /// Waits until it says this of the replica, counted from 1.
    pub(super) async fn until(&self, number: usize, state: &str) {
        let what = format!("the proxy says {state} of replica {number}:\n{}", self.log());
        eventually(&what, async || self.state_of(number).as_deref() == Some(state)).await;
    }

    /// What it has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The state of a server: field 18 of a line that begins with the names of its backend and itself.
    fn state_of(&self, number: usize) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.write_all(b"show stat\n").ok()?;
        let mut table = String::new();
        stream.read_to_string(&mut table).ok()?;
        let line = table.lines().find(|line| line.starts_with(&format!("replicas,vestibule-{number},")))?;
        line.split(',').nth(17).map(str::to_owned)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("stats")
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// The documented configuration for this port and these replicas.
fn configured(port: u16, replicas: &[String]) -> String {
    let documented = fs::read_to_string(repository().join("deploy/haproxy.cfg")).unwrap();
    assert_eq!(documented.matches("    bind :8080\n").count(), 1);
    let documented = documented.replace("    bind :8080\n", &format!("    bind 127.0.0.1:{port}\n"));
    let servers = replicas.iter().zip(1..).map(|(address, number)| {
        let address = address.trim_start_matches("http://");
        format!("    server vestibule-{number} {address}\n")
    });
    // As many servers as there are replicas, wherever two are listed.
    let listed = "    server vestibule-1 vestibule-1:8000\n    server vestibule-2 vestibule-2:8000\n";
    assert_eq!(documented.matches(listed).count() * 2, documented.matches("    server ").count());
    documented.replace(listed, &servers.collect::<String>())
}

/// Debian keeps it where only root looks for programs.
fn program() -> &'static Path {
    let usual = Path::new("/usr/sbin/haproxy");
    if usual.exists() { usual } else { Path::new("haproxy") }
}
