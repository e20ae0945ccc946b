//! Whoever reads standard error stands still, or cannot keep up, and whoever sends requests sends many.

use std::fs::{self, File};
use std::io::{self, PipeWriter};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vestibule_test_support::{RawConnection, TestDatabase, eventually};

use super::traffic::metrics;
use crate::authorize::granted;
use crate::world::{World, WorldBuilder};

/// A collector of the log: `cat`, which writes what it reads into a file.
pub(crate) struct Collector {
    process: Child,
    folder: TempDir,
}

impl Collector {
    pub(crate) fn start() -> (Self, PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("log")).unwrap();
        let process = Command::new("cat").stdin(reader).stdout(file).stderr(Stdio::null()).spawn().unwrap();
        (Self { process, folder }, writer)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// From now on it takes nothing.
    fn freeze(&self) {
        self.signal(Signal::STOP);
        let stat = PathBuf::from(format!("/proc/{}/stat", self.process.id()));
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
    }

    fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn stage(format: &str, rate: &str) -> WorldBuilder {
    World::builder(TestDatabase::sqlite())
        .with_metrics()
        .setting("LOG_FORMAT", format)
        .setting("LOG_ACCESS_RATE", rate)
}

/// Sends so many requests down one connection, as fast as they are answered; all are answered alike.
async fn flood(world: &World, path: &str, count: usize, status: u16) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let last = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut left = count;
    while left > 0 {
        // Answers are taken before more is sent: nobody fills a buffer here.
        let now = left.min(100);
        let mut connection = RawConnection::open(&world.program.base_url()).await;
        connection.send(request.repeat(now - 1) + &last).await;
        let received = connection.receive(Duration::from_secs(60)).await;
        assert_eq!(received.statuses(), vec![status; now]);
        left -= now;
    }
}

/// How many lines of one operation and status are in a log, in either format.
fn lines_of(log: &str, operation: &str, status: u16) -> usize {
    let text = [format!("operation=\"{operation}\""), format!("status={status} ")];
    let json = [format!("\"operation\":\"{operation}\""), format!("\"status\":{status},")];
    let has = |line: &str, parts: &[String; 2]| parts.iter().all(|part| line.contains(part));
    let lines = log.lines().filter(|line| line.contains("vestibule::access"));
    lines.filter(|line| has(line, &text) || has(line, &json)).count()
}

/// The sum of a number that lines of this message tell, in either format.
fn told(log: &str, message: &str, field: &str) -> usize {
    let lines = log.lines().filter(|line| line.contains(message));
    let numbers = lines.filter_map(|line| {
        let behind = [format!("\"{field}\":"), format!("{field}=")];
        let rest = behind.iter().find_map(|start| line.split_once(start.as_str())).expect(line).1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    numbers.sum()
}

async fn counted(world: &World, lines: &str, reason: &str) -> usize {
    let text = metrics(world).await;
    let series = format!("vestibule_log_lines_lost_total{{lines=\"{lines}\",reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).expect(&text).parse().unwrap()
}

const LOST: &str = "lines of the log were lost";
const LEFT_OUT: &str = "lines of requests were left out";

/// More than a pipe, the lines that are being written and those that wait take together: each line has 150 bytes at least.
const MANY: usize = 24_000;

async fn nobody_reads(format: &str) {
    let (collector, pipe) = Collector::start();
    let mut world = stage(format, "off").log_to(pipe).start().await;
    collector.freeze();
    flood(&world, "/auth/check", MANY, 200).await;
    let lost = counted(&world, "access", "no_room").await;
    assert!(lost > 0, "the log has taken everything: the test sends too little");
    // Everything goes on, what is written to the database too.
    for path in ["/healthz", "/readyz", "/auth/public-key", "/.well-known/jwks.json"] {
        assert_eq!(world.browser().get(path).await.status, 200, "{path}");
    }
    let token = world.sign_in("google", "ada").await;
    assert!(world.is_signed_in(&token).await);
    granted(&world, &token, "storage").await;
    assert_eq!(counted(&world, "other", "no_room").await, 0, "lines of requests leave room for the others");
    collector.thaw();
    eventually("the log says what it lost", async || collector.log().contains(LOST)).await;
    assert!(world.program.stop().await.success());
    let log = collector.log();
    let written = lines_of(&log, "check_session", 200);
    // One more was the question whether she is signed in.
    assert!(written + told(&log, LOST, "requests") >= MANY, "{written}");
    assert_eq!(told(&log, LOST, "others"), 0);
    assert_eq!(
        log.matches("event=\"sign_in.succeeded\"").count()
            + log.matches("\"event\":\"sign_in.succeeded\"").count(),
        1
    );
    if format == "json" {
        for line in log.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not whole: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_while_nobody_reads_the_text_log_everything_goes_on_and_what_is_lost_is_told() {
    nobody_reads("text").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_while_nobody_reads_the_json_log_everything_goes_on_and_what_is_lost_is_told() {
    nobody_reads("json").await;
}

/// Another program that shares the file may have set it so. More than the pipe takes has to wait; all of it fits in the room that there is.
#[tokio::test(flavor = "multi_thread")]
async fn k12_a_standard_error_that_does_not_block_tears_no_line_and_loses_none() {
    const COUNT: usize = 1_000;
    let (collector, pipe) = Collector::start();
    rustix::fs::fcntl_setfl(&pipe, OFlags::WRONLY | OFlags::NONBLOCK).unwrap();
    let mut world = stage("json", "off").log_to(pipe).start().await;
    collector.freeze();
    flood(&world, "/auth/check?next=https://evil.example", COUNT, 400).await;
    collector.thaw();
    world.sign_in("google", "ada").await;
    assert_eq!(counted(&world, "access", "no_room").await, 0);
    assert!(world.program.stop().await.success());
    let is_there = async || collector.log().contains("sign_in.succeeded") && collector.log().ends_with('\n');
    eventually("the last lines are collected", is_there).await;
    let log = collector.log();
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not whole: {line}");
    }
    assert_eq!(lines_of(&log, "check_session", 400), COUNT);
    assert_eq!(log.matches("\"event\":\"sign_in.succeeded\"").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_whoever_reads_the_log_and_stands_still_does_not_keep_the_service_from_ending() {
    let (collector, pipe) = Collector::start();
    let mut world = stage("json", "off").log_to(pipe).start().await;
    collector.freeze();
    flood(&world, "/auth/check", MANY, 200).await;
    assert!(world.program.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_when_nobody_holds_the_other_end_of_the_log_the_service_goes_on_and_counts() {
    let (collector, pipe) = Collector::start();
    let mut world = stage("json", "off").log_to(pipe).start().await;
    drop(collector);
    flood(&world, "/auth/check", 100, 200).await;
    let counted = async || counted(&world, "access", "no_room").await >= 100;
    eventually("what nobody can read is counted", counted).await;
    assert!(world.is_signed_in(&world.sign_in("google", "ada").await).await);
    assert!(world.program.stop().await.success());
}

/// Within a period of a day; the test is over before the next.
async fn flood_is_sampled(format: &str) {
    let mut world = stage(format, "50/1d").start().await;
    let before = lines_of(&world.program.logs(), "check_session", 200);
    flood(&world, "/auth/check", 5050, 200).await;
    flood(&world, "/auth/check?next=https://evil.example", 250, 400).await;
    assert_eq!(counted(&world, "access", "sampled").await, 4950 + 198);
    // What was refused has a budget of its own, and what was neither is told.
    world.sign_in("google", "ada").await;
    eventually("the log says what was left out", async || {
        told(&world.program.logs(), LEFT_OUT, "sampled") >= 4950 + 198
    })
    .await;
    assert!(world.program.stop().await.success());
    let log = world.program.logs();
    assert_eq!(lines_of(&log, "check_session", 200) - before, 50 + 50);
    assert_eq!(lines_of(&log, "check_session", 400), 50 + 2);
    let sampled = |line: &&str| line.contains("\"sampled\":100") || line.contains("sampled=100");
    let of_checks =
        log.lines().filter(|line| line.contains("vestibule::access") && line.contains("check_session"));
    assert_eq!(of_checks.filter(sampled).count(), 50 + 2);
    let refusals = log.lines().filter(|line| line.contains("a request was refused")).count();
    assert_eq!(refusals, 50 + 2, "what a client did wrong is told as often as that it asked");
    assert!(log.contains("sign_in.succeeded"), "every other line is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_of_a_flood_of_requests_the_text_log_has_a_sample_and_the_number_of_the_others() {
    flood_is_sampled("text").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_of_a_flood_of_requests_the_json_log_has_a_sample_and_the_number_of_the_others() {
    flood_is_sampled("json").await;
}
