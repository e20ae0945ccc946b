//! A PostgreSQL server of a test's own, to be stopped, killed and frozen.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::port::free_port;
use crate::{TestDatabase, postgres};

/// A PostgreSQL server that one test has for itself. It is stopped and its files are removed on drop.
///
/// Tests that do no harm to their server share one: [`TestDatabase::postgres`].
#[derive(Debug)]
pub struct TestCluster {
    directory: TempDir,
    port: u16,
    options: Vec<String>,
    server: Option<Child>,
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Open transactions are rolled back, then the server ends in good order.
    Fast,
    /// The server ends at once and recovers at the next start.
    Immediate,
    /// The server's process is killed.
    Kill,
}

impl TestCluster {
    /// A server that answers, quick because a crash of the machine would cost its data.
    pub fn start() -> Self {
        Self::with_options(Vec::new())
    }

    /// A server that answers and keeps what it acknowledged, whatever happens to it.
    pub fn start_durable() -> Self {
        Self::with_options(["-c", "fsync=on", "-c", "full_page_writes=on"].map(str::to_owned).to_vec())
    }

    /// A server with TLS by this certificate and key, which asks roles other than `postgres` for their passwords.
    pub fn start_with_tls(certificate: &str, key: &str) -> Self {
        let mut cluster = Self::initialise(vec!["-c".to_owned(), "ssl=on".to_owned()]);
        let data = cluster.directory.path().join("data");
        cluster.write_private(&data.join("server.crt"), certificate);
        cluster.write_private(&data.join("server.key"), key);
        let access = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        cluster.write_private(&data.join("pg_hba.conf"), access);
        cluster.start_again();
        cluster
    }

    /// Writes a file that only the server's account can read.
    fn write_private(&self, file: &Path, content: &str) {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

        fs::write(file, content).expect("the folder can be written");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("our own file");
        let owner = fs::metadata(self.directory.path().join("data")).expect("a cluster that was made");
        chown(file, Some(owner.uid()), Some(owner.gid())).expect("the account's own file, or ours to give");
    }

    fn with_options(options: Vec<String>) -> Self {
        let mut cluster = Self::initialise(options);
        cluster.start_again();
        cluster
    }

    fn initialise(options: Vec<String>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let initialised = Command::new(postgres::script("postgres-cluster.sh"))
            .arg("init")
            .arg(directory.path())
            .status()
            .expect("scripts/postgres-cluster.sh can be run");
        assert!(initialised.success(), "no PostgreSQL cluster could be made; `make test-needs` installs it");
        Self { directory, port: free_port(), options, server: None }
    }

    /// A server that answers, but takes so few clients at once.
    pub fn start_with_room_for(clients: u16) -> Self {
        let options = ["max_connections", "superuser_reserved_connections"];
        let values = [clients.to_string(), "0".to_owned()];
        let settings = options.iter().zip(values).map(|(name, value)| format!("{name}={value}"));
        Self::with_options(settings.flat_map(|setting| ["-c".to_owned(), setting]).collect())
    }

    /// Takes every connection that the server still has to give, until the value is dropped.
    pub async fn occupy(&self) -> Crowd {
        let mut crowd = Crowd { url: self.maintenance_url(), clients: Vec::new() };
        crowd.grow().await;
        crowd
    }

    /// A second server that follows this one. From then on nothing is acknowledged here before it can be read there.
    #[must_use]
    pub fn start_standby(&self) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let copied = Command::new(postgres::script("postgres-cluster.sh"))
            .arg("follow")
            .arg(directory.path())
            .arg(self.port.to_string())
            .status()
            .expect("scripts/postgres-cluster.sh can be run");
        assert!(copied.success(), "the server could not be copied");
        let mut standby = Self { directory, port: free_port(), options: Vec::new(), server: None };
        standby.start_again();
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
        self.execute("SELECT pg_reload_conf()");
        standby
    }

    /// Makes a server that follows another the one that takes writes.
    pub fn promote(&self) {
        self.execute("SELECT pg_promote(wait => true)");
    }

    /// A database of the server that this one follows, as it is here.
    pub fn adopt(&self, database: &TestDatabase) -> TestDatabase {
        TestDatabase::at_cluster(&self.maintenance_url(), database)
    }

    /// A fresh, empty database on this server.
    pub fn create_database(&self) -> TestDatabase {
        TestDatabase::in_cluster(&self.maintenance_url())
    }

    /// Runs one statement as superuser in the maintenance database.
    pub fn execute(&self, statement: &str) {
        postgres::query(&self.maintenance_url(), statement).expect("the statement succeeds");
    }

    /// The port on 127.0.0.1; it stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server's first process.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").id()
    }

    /// Ends the server and waits until it has ended.
    pub fn stop(&mut self, how: Shutdown) {
        let mut server = self.server.take().expect("the server runs");
        let signal = match how {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
            Shutdown::Kill => Signal::KILL,
        };
        kill_process(Pid::from_child(&server), signal).expect("our own child can be signalled");
        server.wait().expect("our own child can be waited for");
    }

    /// Starts the server after [`TestCluster::stop`]; returns when it answers.
    pub fn start_again(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        // A killed server leaves processes behind, which refuse their successor until they have noticed.
        for _ in 0..100 {
            let mut server = self.spawn();
            if self.answers(&mut server) {
                self.server = Some(server);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not start:\n{}", self.log());
    }

    fn spawn(&self) -> Child {
        let log = fs::File::create(self.directory.path().join("log")).expect("a log file");
        Command::new(postgres::script("postgres-cluster.sh"))
            .arg("run")
            .arg(self.directory.path())
            .arg(self.port.to_string())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("scripts/postgres-cluster.sh can be run")
    }

    /// Waits until the server answers, or has ended instead.
    fn answers(&self, server: &mut Child) -> bool {
        while server.try_wait().expect("our own child can be waited for").is_none() {
            if postgres::query(&self.maintenance_url(), "SELECT 1").is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// [`TestCluster::stop`], then [`TestCluster::start_again`].
    pub fn restart(&mut self, how: Shutdown) {
        self.stop(how);
        self.start_again();
    }

    /// Stops every process of the server where it stands: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Ends a [`TestCluster::freeze`].
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// The first process comes first: while it stands still there are no new ones.
    fn signal_all(&self, signal: Signal) {
        let first = self.pid();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        for pid in std::iter::once(first).chain(children) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // A process that has just ended needs no signal.
                kill_process(pid, signal).ok();
            }
        }
    }

    fn maintenance_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// What the server has logged since it was started last.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// Clients that do nothing but be there.
#[derive(Debug)]
pub struct Crowd {
    url: String,
    clients: Vec<Client>,
}

impl Crowd {
    /// How many they are.
    pub fn size(&self) -> usize {
        self.clients.len()
    }

    /// Ends everybody's connections to a database, and takes their places.
    pub async fn displace(&mut self, database: &TestDatabase) {
        let name = database.url().rsplit('/').next().expect("a name");
        let statement =
            format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
        let first = self.clients.first().expect("somebody is there");
        first.batch_execute(&statement).await.expect("a superuser's connection");
        self.grow().await;
    }

    async fn grow(&mut self) {
        while let Ok((client, connection)) = tokio_postgres::connect(&self.url, NoTls).await {
            tokio::spawn(connection);
            self.clients.push(client);
        }
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.thaw();
            self.stop(Shutdown::Immediate);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::eventually;

    #[test]
    fn a_cluster_keeps_port_and_data_when_it_is_killed_and_started_again() {
        let mut cluster = TestCluster::start_durable();
        let database = cluster.create_database();
        postgres::query(database.url(), "CREATE TABLE kept (id TEXT)").expect("a server that answers");

        cluster.stop(Shutdown::Kill);
        assert!(postgres::query(database.url(), "SELECT 1").is_err());
        cluster.start_again();
        assert_eq!(postgres::query(database.url(), "SELECT count(*) FROM kept"), Ok(Some("0".into())));
    }

    #[test]
    fn a_standby_has_what_was_acknowledged_and_takes_writes_when_it_is_promoted() {
        let mut cluster = TestCluster::start();
        let database = cluster.create_database();
        let standby = cluster.start_standby();
        postgres::query(database.url(), "CREATE TABLE kept (id TEXT)").expect("a server that answers");
        cluster.stop(Shutdown::Kill);
        let there = standby.adopt(&database);
        assert_eq!(postgres::query(there.url(), "SELECT count(*) FROM kept"), Ok(Some("0".into())));
        assert!(postgres::query(there.url(), "DROP TABLE kept").is_err());
        standby.promote();
        postgres::query(there.url(), "DROP TABLE kept").expect("a server that takes writes");
    }

    #[tokio::test]
    async fn a_frozen_cluster_accepts_connections_and_answers_none() {
        let cluster = TestCluster::start();
        cluster.freeze();
        eventually("the server is stopped", async || state_of(cluster.pid()) == "T").await;
        assert!(TcpStream::connect(("127.0.0.1", cluster.port())).is_ok());
        cluster.thaw();
        cluster.execute("SELECT 1");
    }

    fn state_of(pid: u32) -> String {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process that runs");
        let after_name = stat.rsplit(')').next().expect("a field list");
        after_name.split_whitespace().next().expect("a state").to_owned()
    }
}
