//! Measures how near each endpoint is to what the machine can do, and how the service fares over a long time.
//!
//! **Owns** one load generator, the programs that the service is held against, the tables and the picture. **Does not
//! own** anything that is measured, and nothing depends on it: it starts the built program and talks to it over HTTP.
//!
//! To add a row: its cells in `speed/rounds.rs`, and what is expected of it in `speed/aims.rs`. Something else to hold the service
//! against is one more module in `subjects/`, a process of its own that ends when this one does.

#![expect(clippy::print_stdout, reason = "tables are what this program is for")]

mod client;
mod failure;
mod load;
mod process;
mod request;
mod soak;
mod speed;
mod statistics;
mod subjects;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use failure::{Failure, Outcome, While};
use soak::Soak;
use speed::Speed;
use subjects::{bare, emulator, signature};

#[derive(Parser)]
#[command(about = "Measures how near each endpoint is to what the machine can do")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that has an aim, in turns, as a table and a picture
    Speed(Speed),
    /// Mixed traffic at a steady rate for a long time, and what grows meanwhile
    Soak(Soak),
    #[command(hide = true)]
    Bare { answer: PathBuf },
    #[command(hide = true)]
    Emulator { people: u32 },
    #[command(hide = true)]
    Sign { milliseconds: u64 },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Outcome<()> {
    match command {
        Command::Speed(speed) => until_interrupted(speed::measure(speed)),
        Command::Soak(soak) => until_interrupted(soak::run(soak)),
        Command::Bare { answer } => bare::serve(answer),
        Command::Emulator { people } => emulator::serve(*people),
        Command::Sign { milliseconds } => signature::sign(Duration::from_millis(*milliseconds)),
    }
}

/// Runs a measurement on this thread alone, so that the programs that it starts end with it. A signal ends it as a failure
/// does: everything that it holds is dropped.
fn until_interrupted(work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("a runtime")?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).doing("signals")?;
        let mut terminate = signal(SignalKind::terminate()).doing("signals")?;
        tokio::select! {
            outcome = work => outcome,
            _ = interrupt.recv() => Err(Failure::new("interrupted")),
            _ = terminate.recv() => Err(Failure::new("interrupted")),
        }
    })
}
