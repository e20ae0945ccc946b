//! How the program is to be started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::process::built_program;
use super::{Ended, Program};
use crate::port::free_port;
use crate::{FaultyDisk, MovableClock};

/// Settings, arguments and files of a [`Program`] that is not started yet. Address, directory and keys folder are
/// fixed from the beginning, so that other parts of a test can be told about them.
#[derive(Debug)]
pub struct ProgramBuilder {
    executable: PathBuf,
    directory: TempDir,
    port: u16,
    environment: BTreeMap<String, OsString>,
    arguments: Vec<String>,
    ready_path: Option<String>,
    user: Option<u32>,
    log: Option<File>,
    output: Option<File>,
}

/// A user whom nobody else runs as and to whom nothing belongs.
const ORDINARY_USER: u32 = 54_321;

impl ProgramBuilder {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().to_owned();
        let port = free_port();
        let builder = Self {
            executable: built_program(),
            directory,
            port,
            environment: BTreeMap::new(),
            arguments: Vec::new(),
            ready_path: Some("/readyz".into()),
            user: None,
            log: None,
            output: None,
        };
        builder
            .variable("PATH", std::env::var_os("PATH").unwrap_or_default())
            .setting("LISTEN", &format!("127.0.0.1:{port}"))
            .setting("EXTERNAL_ADDRESS", &format!("http://127.0.0.1:{port}"))
            .setting("DATABASE_URL", &format!("sqlite://{}", path.join("vestibule.db").display()))
            .variable("KEYS_DIR", path.join("keys"))
            // Nobody looks at readiness before they send requests.
            .setting("DRAIN_DELAY", "0s")
    }

    /// Sets one setting, as an environment variable.
    #[must_use]
    pub fn setting(self, name: &str, value: &str) -> Self {
        self.variable(name, value)
    }

    /// The same with bytes that need not be text.
    #[must_use]
    pub fn raw_setting(self, name: &str, value: &[u8]) -> Self {
        self.variable(name, OsStr::from_bytes(value))
    }

    /// Leaves out a setting that is there by default.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Adds an argument to `vestibule serve`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Writes `vestibule.toml` with this text; the program and its commands are told of it by `--config`.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        fs::write(self.config_file(), text).expect("a writable directory");
        // It may have secrets.
        fs::set_permissions(self.config_file(), fs::Permissions::from_mode(0o600)).expect("our own file");
        self.give(&self.config_file());
        self
    }

    /// Puts the program under a clock that the test moves.
    #[must_use]
    pub fn clock(self, clock: &MovableClock) -> Self {
        self.shim(clock.environment())
    }

    /// Puts the program on a disk that the test breaks.
    #[must_use]
    pub fn disk(self, disk: &FaultyDisk) -> Self {
        self.shim(disk.environment())
    }

    /// Several libraries may stand in front of the C library.
    fn shim<const N: usize>(self, environment: [(&'static str, PathBuf); N]) -> Self {
        environment.into_iter().fold(self, |builder, (name, value)| {
            let mut value = value.into_os_string();
            if name == "LD_PRELOAD"
                && let Some(present) = builder.environment.get(name)
            {
                value = [present.as_os_str(), value.as_os_str()].join(OsStr::new(":"));
            }
            builder.variable(name, value)
        })
    }

    /// Sends the log elsewhere than to a file: into a pipe that the test reads, or does not.
    #[must_use]
    pub fn log_to(mut self, pipe: impl Into<OwnedFd>) -> Self {
        self.log = Some(File::from(pipe.into()));
        self
    }

    /// Sends standard output elsewhere than to a file.
    #[must_use]
    pub fn output_to(mut self, pipe: impl Into<OwnedFd>) -> Self {
        self.output = Some(File::from(pipe.into()));
        self
    }

    /// What is asked for until it answers 200, `/readyz` by default; nothing: the program is not waited for.
    #[must_use]
    pub fn ready_at(mut self, path: Option<&str>) -> Self {
        self.ready_path = path.map(str::to_owned);
        self
    }

    /// Runs the program and its commands as a user who is not root. Whoever is none runs them as before.
    ///
    /// # Panics
    ///
    /// When the directory cannot be given to that user.
    #[must_use]
    pub fn without_root(mut self) -> Self {
        self.user = rustix::process::geteuid().is_root().then_some(ORDINARY_USER);
        self.give(self.directory());
        self
    }

    /// Gives a file or a directory to whom the program runs as.
    ///
    /// # Panics
    ///
    /// When that is not possible.
    pub fn give(&self, path: &Path) {
        chown(path, self.user, self.user).expect("root gives away what it likes");
    }

    /// Starts another executable than the one that was built with the tests.
    #[must_use]
    pub fn executable(mut self, path: PathBuf) -> Self {
        self.executable = path;
        self
    }

    /// Starts it with so many file descriptors, which it cannot raise.
    #[must_use]
    pub fn descriptors(self, count: u64) -> Self {
        let script = self.directory().join("limited");
        let text = format!("#!/bin/sh\nulimit -n {count}\nexec '{}' \"$@\"\n", self.executable.display());
        fs::write(&script, text).expect("our own directory");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("our own file");
        self.executable(script)
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The directory that the program will run in.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the program will keep its keys.
    pub fn keys_dir(&self) -> PathBuf {
        self.environment.get("KEYS_DIR").map_or_else(|| self.directory().join("keys"), PathBuf::from)
    }

    /// Starts the program and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it ends instead; [`ProgramBuilder::try_start`] is for tests that expect this.
    pub async fn start(self) -> Program {
        self.try_start().await.unwrap_or_else(|ended| ended.complain())
    }

    /// Starts the program and waits until it is ready, or has ended.
    pub async fn try_start(self) -> Result<Program, Ended> {
        let mut program = Program { plan: self, server: None };
        program.start().await?;
        Ok(program)
    }

    /// Runs another command of the program, such as `["keys", "generate"]`, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let finished = tokio::task::spawn_blocking(move || command.output()).await;
        finished.expect("the waiting does not panic").expect("the program can be run")
    }

    /// The same with this on standard input.
    pub async fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let (mut command, input) = (self.command(arguments), input.to_vec());
        let run = move || {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(&input)?;
            }
            child.wait_with_output()
        };
        let finished = tokio::task::spawn_blocking(run).await;
        finished.expect("the waiting does not panic").expect("the program can be run")
    }

    pub(super) fn ready_path(&self) -> Option<String> {
        self.ready_path.clone()
    }

    /// Output goes to files: they never fill up, are complete when the process has ended, and outlive a restart.
    pub(super) fn spawn(&self) -> Child {
        let arguments: Vec<_> =
            std::iter::once("serve").chain(self.arguments.iter().map(String::as_str)).collect();
        let mut command = self.command(&arguments);
        let copy = |file: &File| file.try_clone().expect("a descriptor");
        let (output, log) = (self.output.as_ref().map(copy), self.log.as_ref().map(copy));
        command.stdout(output.unwrap_or_else(|| self.log_file("stdout")));
        command.stderr(log.unwrap_or_else(|| self.log_file("stderr")));
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.executable.display()))
    }

    pub(super) fn logs(&self) -> String {
        let bytes =
            ["stdout", "stderr"].map(|name| fs::read(self.directory().join(name)).unwrap_or_default());
        String::from_utf8_lossy(&bytes.concat()).into_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        assert!(self.executable.exists(), "{} is not built: run `make test`", self.executable.display());
        let mut command = Command::new(&self.executable);
        command.args(arguments).current_dir(self.directory()).env_clear().envs(&self.environment);
        command.stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let config = self.config_file();
        if config.exists() {
            command.arg("--config").arg(config);
        }
        command
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    fn config_file(&self) -> PathBuf {
        self.directory().join("vestibule.toml")
    }

    fn log_file(&self, name: &str) -> File {
        let path = self.directory().join(name);
        File::options().create(true).append(true).open(path).expect("a writable directory")
    }
}
