//! The built program, started in a directory of its own with an environment of its own.

mod builder;
mod process;
mod signing_key;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Output};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::time::sleep;

use crate::Client;
pub use builder::ProgramBuilder;
use process::{PAUSE, end_of, limit};

/// A running `vestibule serve`. It is killed and its directory is removed on drop.
///
/// ```no_run
/// # async fn example() {
/// use vestibule_test_support::{Program, TestDatabase};
///
/// let database = TestDatabase::sqlite();
/// let program = Program::builder().argument("--dev").setting("DATABASE_URL", database.url()).start().await;
/// let answer = program.client().get("/auth/check").await;
/// assert_eq!(answer.json()["authenticated"], false);
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    plan: ProgramBuilder,
    server: Option<Child>,
}

/// A program that ended instead of getting ready.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote until then.
    pub logs: String,
}

impl Program {
    /// A program that listens on a free loopback port and keeps its keys and database in its own directory, unless
    /// told otherwise.
    pub fn builder() -> ProgramBuilder {
        ProgramBuilder::new()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.plan.base_url()
    }

    /// A new browser that has this program as its base address.
    pub fn client(&self) -> Client {
        Client::new(&self.base_url())
    }

    /// Where the program keeps its keys.
    pub fn keys_dir(&self) -> PathBuf {
        self.plan.keys_dir()
    }

    /// The directory that the program runs in.
    pub fn directory(&self) -> &Path {
        self.plan.directory()
    }

    /// Everything that the program has written, over all its starts: standard output, then standard error. A thread of the program
    /// writes lines a moment after what they tell of, so this waits until no more come.
    pub fn logs(&self) -> String {
        let mut logs = self.plan.logs();
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(10));
            let before = std::mem::replace(&mut logs, self.plan.logs()).len();
            if logs.len() == before {
                break;
            }
        }
        logs
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.running().id()
    }

    /// Runs another command of the program, such as `["keys", "rotate"]`, with the same settings and directory.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.plan.run(arguments).await
    }

    /// The same with this on standard input.
    pub async fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        self.plan.run_with_input(arguments, input).await
    }

    /// Asks the program to end and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.begin_stop();
        self.ended().await
    }

    /// Asks the program to end; [`Program::ended`] waits until it has.
    pub fn begin_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Interrupts the program, as a person at its terminal does; [`Program::ended`] waits until it has ended.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends the program without warning.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    /// Waits until the program has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut server = self.server.take().expect("the program runs");
        let status = end_of(&mut server).await;
        status.unwrap_or_else(|| {
            self.server = Some(server);
            panic!("the program does not end:\n{}", self.logs())
        })
    }

    /// Starts the program again, after [`Program::stop`] or [`Program::kill`], at the same address.
    pub async fn start_again(&mut self) {
        assert!(self.server.is_none(), "the program runs already");
        self.start().await.unwrap_or_else(|ended| ended.complain());
    }

    /// Starts the program again when it is to refuse; how it ended, and what it has written.
    pub async fn start_in_vain(&mut self) -> Ended {
        assert!(self.server.is_none(), "the program runs already");
        self.start().await.expect_err("the program refuses to start")
    }

    /// [`Program::stop`], then [`Program::start_again`].
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Stops the process where it stands: it keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`Program::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Resident memory in bytes.
    pub fn resident_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process that runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line about memory");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes * 1024
    }

    /// How many file descriptors are open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process that runs").count()
    }

    /// Processor time used so far, in clock ticks, as the kernel counts them.
    pub fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("a process that runs");
        let after_name = stat.rsplit(')').next().expect("a field list");
        // Fields 14 and 15 of proc(5), of which the first two come before the closing bracket.
        let ticks = after_name.split_whitespace().skip(11).take(2);
        ticks.map(|field| field.parse::<u64>().expect("a number")).sum()
    }

    /// From now on the program can have only so many files and connections open.
    pub fn limit_open_files(&self, count: u64) {
        let limit = Rlimit { current: Some(count), maximum: Some(count) };
        prlimit(Some(Pid::from_child(self.running())), Resource::Nofile, limit).expect("our own child");
    }

    async fn start(&mut self) -> Result<(), Ended> {
        self.server = Some(self.plan.spawn());
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), Ended> {
        let Some(path) = self.plan.ready_path() else { return Ok(()) };
        let client = self.client();
        let deadline = limit();
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.status() {
                return Err(Ended { status, logs: self.logs() });
            }
            let answer = client.try_send(client.request(Method::GET, &path)).await;
            if answer.is_ok_and(|answer| answer.status == StatusCode::OK) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        panic!("the program runs, but {path} does not answer 200:\n{}", self.logs())
    }

    /// How the program ended, once it has.
    fn status(&mut self) -> Option<ExitStatus> {
        let server = self.server.as_mut().expect("the program was started");
        let status = server.try_wait().expect("our own child can be waited for");
        if status.is_some() {
            self.server = None;
        }
        status
    }

    fn running(&self) -> &Child {
        self.server.as_ref().expect("the program runs")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.running()), signal).expect("our own child can be signalled");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

impl Ended {
    fn complain(self) -> ! {
        panic!("the program ended with {} instead of getting ready:\n{}", self.status, self.logs)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A shell script in the program's place. The tests of the real one are in the package `vestibule-tests`.
    fn stand_in(script: &str) -> ProgramBuilder {
        let builder = Program::builder().ready_at(None);
        let path = builder.directory().join("stand-in");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a writable directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
        builder.executable(path)
    }

    #[tokio::test]
    async fn a_program_that_ends_early_tells_status_and_words() {
        let builder =
            stand_in("echo started; echo 'EXTERNAL_ADDRESS: missing' >&2; exit 2").ready_at(Some("/readyz"));
        let ended = builder.try_start().await.expect_err("it ends");
        assert_eq!(ended.status.code(), Some(2));
        assert_eq!(ended.logs, "started\nEXTERNAL_ADDRESS: missing\n");
    }

    #[tokio::test]
    async fn the_environment_is_clean_and_has_what_was_given() {
        let builder = stand_in("env | grep -v '^PWD=\\|^_=\\|^SHLVL=' | cut -d= -f1 | sort")
            .setting("GITHUB_KEY", "key")
            .without("KEYS_DIR");
        let output = builder.run(&[]).await;
        let names = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            names.lines().collect::<Vec<_>>(),
            ["DATABASE_URL", "DRAIN_DELAY", "EXTERNAL_ADDRESS", "GITHUB_KEY", "LISTEN", "PATH"]
        );
    }

    #[tokio::test]
    async fn commands_get_their_arguments_and_the_file_of_settings() {
        let builder = stand_in("echo \"$@\"; cat vestibule.toml").config("LOG = \"debug\"\n");
        let output = builder.run(&["keys", "list"]).await;
        let config = builder.directory().join("vestibule.toml");
        let expected = format!("keys list --config {}\nLOG = \"debug\"\n", config.display());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }

    #[tokio::test]
    async fn a_program_can_be_stopped_started_again_and_killed() {
        let script = "trap 'echo bye; exit 3' TERM; echo hello; while :; do sleep 0.05; done";
        let mut program = stand_in(script).start().await;
        crate::eventually("the first word", async || program.logs() == "hello\n").await;
        assert!(program.resident_memory() > 100_000);
        assert!(program.open_files() >= 3);
        assert_eq!(program.stop().await.code(), Some(3));
        assert_eq!(program.logs(), "hello\nbye\n");

        program.start_again().await;
        program.kill().await;
    }

    #[tokio::test]
    async fn a_moved_clock_reaches_the_program_and_its_commands() {
        let clock = crate::MovableClock::new();
        let builder = stand_in("date +%s").clock(&clock);
        clock.advance(Duration::from_secs(24 * 3600));
        let before = clock.now_seconds();
        let output = builder.run(&[]).await;
        let seen: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
        assert!((before..=clock.now_seconds()).contains(&seen));
    }
}
