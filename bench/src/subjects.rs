//! What is measured: our program, what it is held against, and what it needs around it. Each is a process of its own.

pub(crate) mod bare;
pub(crate) mod database;
pub(crate) mod emulator;
pub(crate) mod original;
pub(crate) mod people;
pub(crate) mod service;
pub(crate) mod signature;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Connection;
use crate::failure::{Failure, Outcome, While};
use crate::process::{Process, command};
use crate::request;

/// How long a program may take to answer for the first time.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A part of this program, as a process of its own.
fn ourselves(arguments: &[&str]) -> Outcome<Command> {
    let mut command = command(std::env::current_exe().doing("this program")?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    Ok(command)
}

/// Starts a process that writes one line when it is ready.
fn start_and_read_line(mut command: Command) -> Outcome<(Process, String)> {
    let mut process = Process::start(&mut command)?;
    let output = process.child().stdout.take().doing("its output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).doing("its first line")?;
    if line.is_empty() {
        return Err(Failure::new(format!("{command:?} ended at once")));
    }
    Ok((process, line.trim().to_owned()))
}

/// Waits until whoever started this process has ended or wants it to end.
fn wait_for_end_of_input() {
    std::io::stdin().lock().read_to_end(&mut Vec::new()).ok();
}

/// A loopback port that nobody listens on.
fn free_address() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("a free port")?;
    listener.local_addr().doing("a free port")
}

/// Waits until a path answers 200.
async fn wait_until_it_answers(process: &mut Process, address: SocketAddr, path: &str) -> Outcome<()> {
    let deadline = Instant::now() + START_PATIENCE;
    let request = request::get(address, path, &[]);
    let mut connection = Connection::new(address);
    while Instant::now() < deadline {
        if connection.send(&request).await.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        if process.has_ended() {
            return Err(Failure::new(format!("the program ended instead of answering {path}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Failure::new(format!("{path} of {address} does not answer")))
}

/// The folder of this package.
fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
