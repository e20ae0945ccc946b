//! How the service fares over a long time: mixed traffic at a steady rate, and what grows meanwhile.

mod log;
mod traffic;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;

use crate::failure::{Outcome, While};
use crate::process::{memory_mebibytes, open_descriptors};
use crate::statistics::slope;
use crate::subjects::database::{Kind, Server};
use crate::subjects::emulator::Provider;
use crate::subjects::service::{Plan, Service};

use log::Log;
use traffic::Traffic;

/// Who signs in and out.
const PEOPLE: u32 = 500;
/// How many connections carry the traffic.
const WORKERS: u32 = 8;
/// The table has about so many lines.
const LINES: f64 = 30.0;

/// How long, and on what.
#[derive(Args)]
pub(crate) struct Soak {
    /// How long the traffic lasts
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Requests a second, all kinds together
    #[arg(long, default_value_t = 300)]
    rate: u32,
    /// Where users and sessions are
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// The program to measure
    #[arg(long, default_value = "target/release/vestibule")]
    program: PathBuf,
}

/// What was seen at one moment.
struct Sample {
    minutes: f64,
    resident_mebibytes: f64,
}

/// Runs the traffic and tells what it did to the service.
pub(crate) async fn run(soak: &Soak) -> Outcome<()> {
    let program = soak.program.canonicalize().doing(soak.program.display())?;
    let provider = Provider::start(PEOPLE)?;
    let server = match soak.database {
        Kind::Sqlite => None,
        Kind::Postgres => Some(Server::start().await?),
    };
    let plan =
        Plan { program: &program, provider: &provider, server: server.as_ref(), name: "soak", reuse: true };
    let service = Service::start(&plan).await?;
    println!("{} requests a second for {} minutes on {}\n", soak.rate, soak.minutes, service.kind().name());
    let samples = observe(soak, &service).await?;
    tell_slope(&samples);
    Ok(())
}

async fn observe(soak: &Soak, service: &Service) -> Outcome<Vec<Sample>> {
    let started = Instant::now();
    let duration = Duration::from_secs_f64(soak.minutes.clamp(0.05, 24.0 * 60.0) * 60.0);
    let log = Arc::new(Log::default());
    let traffic = Arc::new(Traffic::new(service.address, PEOPLE, Arc::clone(&log)));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let pause = Duration::from_secs(1) * WORKERS / soak.rate.max(1);
        workers.spawn(Arc::clone(&traffic).work(service.traveller(), pause, started + duration));
    }
    let mut samples = Vec::new();
    println!("{}", Line::HEADING);
    while started.elapsed() < duration {
        tokio::time::sleep((duration.div_f64(LINES)).max(Duration::from_secs(1))).await;
        let line = Line::read(service, &traffic, &log, started.elapsed()).await?;
        println!("{}", line.text());
        samples.push(Sample { minutes: line.minutes, resident_mebibytes: line.resident });
    }
    while let Some(worker) = workers.join_next().await {
        worker.doing("a worker")??;
    }
    log.tell();
    Ok(samples)
}

/// One line of the table.
struct Line {
    minutes: f64,
    resident: f64,
    descriptors: usize,
    database: f64,
    sessions: usize,
    counts: log::Counts,
}

impl Line {
    const HEADING: &str = "| minutes |  requests | 5xx | unexpected | p50 ms | p99 ms | resident MiB | descriptors | \
                           database MiB | sessions |\n| ------: | --------: | --: | ---------: | -----: | -----: | \
                           -----------: | ----------: | -----------: | -------: |";

    #[expect(clippy::cast_precision_loss, reason = "bytes of a database")]
    async fn read(service: &Service, traffic: &Traffic, log: &Log, elapsed: Duration) -> Outcome<Self> {
        let pid = service.process.pid();
        Ok(Self {
            minutes: elapsed.as_secs_f64() / 60.0,
            resident: memory_mebibytes(pid, "VmRSS").doing("the service has ended")?,
            descriptors: open_descriptors(pid).doing("the service has ended")?,
            database: service.database.size().await? as f64 / 1024.0 / 1024.0,
            sessions: traffic.sessions(),
            counts: log.take(),
        })
    }

    fn text(&self) -> String {
        let Self { minutes, resident, descriptors, database, sessions, counts } = self;
        let log::Counts { requests, server_errors, unexpected, p50_ms, p99_ms } = counts;
        format!(
            "| {minutes:7.1} | {requests:9} | {server_errors:3} | {unexpected:10} | {p50_ms:6.2} | {p99_ms:6.2} | \
             {resident:12.1} | {descriptors:11} | {database:12.1} | {sessions:8} |"
        )
    }
}

/// The second half alone: in the first the caches fill.
fn tell_slope(samples: &[Sample]) {
    let half = samples.get(samples.len() / 2..).unwrap_or_default();
    let points: Vec<_> = half.iter().map(|one| (one.minutes, one.resident_mebibytes * 1024.0)).collect();
    match slope(&points) {
        Some(slope) => println!("resident memory over the second half: {slope:+.1} KiB a minute"),
        None => println!("too short for a slope"),
    }
}
