//! What a plugin in a process prints, and does to its standard output and error, is its own matter: the log stays the service's.

use std::path::Path;
use std::time::Instant;

use rustix::fs::{OFlags, fcntl_getfl};
use serde_json::{Value, json};
use vestibule_test_support::{Program, eventually};

use super::stage::with_folder;
use crate::authorize::granted;
use crate::authorize::plugins::PluginFolder;
use crate::observability::standard_error::Collector;
use crate::world::WorldBuilder;

const TABLE: &str = "[plugin.printer]\nisolation = \"process\"\ntimeout = \"60s\"\n";
/// More than the log takes of a plugin.
const FLOOD: usize = 5_000;
/// What it takes in each ten seconds.
const MAX_LINES: usize = 500;

fn folder(defines: &[&str]) -> PluginFolder {
    let folder = PluginFolder::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/printer.c");
    folder.compile(&source, "printer", defines);
    folder
}

fn world(folder: &PluginFolder) -> WorldBuilder {
    with_folder(folder, "printer", TABLE).setting("LOG_FORMAT", "json").setting("LOG_ACCESS_RATE", "off")
}

/// Each line of the log, which has to be whole.
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| line.parse().unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The lines that the plugin printed: level, stream and text.
fn printed(log: &str) -> Vec<(String, String, String)> {
    let of_plugin = |line: &Value| line["target"] == "plugin" && line["plugin"] == "printer";
    let parts = |line: Value| {
        let details: Value = line["details"].as_str()?.parse().ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some((text(&line["level"])?, text(&details["stream"])?, text(&line["message"])?))
    };
    lines(log).into_iter().filter(of_plugin).filter_map(parts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_n4_a_plugin_that_prints_forges_closes_fills_and_unblocks_its_output_takes_no_line_of_the_log() {
    let folder = folder(&[]);
    let (collector, pipe) = Collector::start();
    let shared = pipe.try_clone().unwrap();
    let mut world = world(&folder).log_to(pipe).start().await;
    let flags = fcntl_getfl(&shared).unwrap();
    assert!(!flags.contains(OFlags::NONBLOCK));
    let token = world.sign_in("google", "ada").await;
    assert_eq!(granted(&world, &token, "printer").await["permissions"], json!({"ok": true}));
    assert_eq!(fcntl_getfl(&shared).unwrap(), flags, "the file that the service writes to is another");
    world.sign_in("google", "grace").await;
    assert!(world.program.stop().await.success());
    drop(shared);
    let is_there = async || collector.log().matches("\"event\":\"sign_in.succeeded\"").count() == 2;
    eventually("the last lines are collected", is_there).await;
    let log = collector.log();
    let signed_in = lines(&log).iter().filter(|line| line["event"] == "sign_in.succeeded").count();
    assert_eq!(signed_in, 2, "{log}");
    let told = printed(&log);
    for moment in ["the constructor", "create", "a call"] {
        let expected = [
            ("INFO", "stdout", format!("said in {moment}")),
            ("INFO", "stdout", r"2026-11-30T00:00:00Z  INFO vestibule::audit: forged\u{1b}[31m".to_owned()),
            ("WARN", "stderr", format!(r#"complained in {moment}\r{{"level":"INFO","message":"forged"}}"#)),
        ];
        for (level, stream, text) in expected {
            // Behind what was left unfinished before.
            let is_told =
                told.iter().any(|line| line.0 == level && line.1 == stream && line.2.ends_with(&text));
            assert!(is_told, "{text}: {log}");
        }
    }
    let forged = lines(&log).into_iter().filter(|line| line.to_string().contains("forged"));
    assert!(forged.into_iter().all(|line| line["plugin"] == "printer"), "{log}");
    assert!(!world.program.logs().contains("said"), "standard output is the service's own as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn k12_of_a_plugin_that_prints_without_end_the_log_takes_a_bounded_number_and_counts_the_others() {
    let folder = folder(&["FLOOD", &format!("LINES={FLOOD}")]);
    let began = Instant::now();
    let mut world = world(&folder).start().await;
    for person in ["ada", "grace"] {
        let token = world.sign_in("google", person).await;
        assert_eq!(granted(&world, &token, "printer").await["permissions"], json!({"ok": true}));
    }
    assert!(world.program.stop().await.success());
    let windows = usize::try_from(began.elapsed().as_secs() / 10).unwrap() + 2;
    let log: String = world
        .program
        .logs()
        .lines()
        .filter(|line| line.starts_with('{'))
        .fold(String::new(), |log, line| log + line + "\n");
    let told = printed(&log).len();
    assert!((1..=MAX_LINES * windows).contains(&told), "{told} lines in {windows} windows");
    let dropped = lines(&log).into_iter().filter_map(|line| {
        let details: Value = line["details"].as_str()?.parse().ok()?;
        details["dropped_lines"].as_u64()
    });
    let dropped: u64 = dropped.sum();
    assert!(dropped > 0 && dropped + told as u64 > FLOOD as u64, "{dropped} dropped, {told} told");
    let signed_in = lines(&log).iter().filter(|line| line["event"] == "sign_in.succeeded").count();
    assert_eq!(signed_in, 2);
}

/// A command has no log. What the library prints comes on standard error, and the description alone on standard output.
#[tokio::test(flavor = "multi_thread")]
async fn k12_n4_a_plugin_that_is_inspected_writes_into_no_output_of_the_command() {
    let folder = folder(&[]);
    let file = folder.file("printer");
    let output = Program::builder().run(&["plugin", "inspect", file.to_str().unwrap()]).await;
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("name      printer\n") && !stdout.contains("said"), "{stdout}");
    for text in ["said in the constructor", r"INFO vestibule::audit: forged\u{1b}[31m", "unfinished in"] {
        assert!(stderr.contains(text), "{stderr}");
    }
    assert!(stderr.lines().all(|line| line.starts_with("plugin \"inspect\": ")), "{stderr}");
}
