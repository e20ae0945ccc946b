//! `vestibule plugin check`: what passes, and what each way to fail is called.

mod c;
mod faults;
mod usage;

use std::path::Path;

use serde_json::Value;
use vestibule_test_support::{Program, ProgramBuilder};

use super::{Outcome, command};
use crate::authorize::plugins::built_plugins;

/// Runs the check of a library.
async fn check(file: &Path) -> Outcome {
    command(&Program::builder(), &["plugin", "check", file.to_str().unwrap()]).await
}

/// Runs the check of a library with a configuration.
async fn check_with(program: &ProgramBuilder, file: &Path, config: &Value) -> Outcome {
    let config_file = program.directory().join("config.json");
    std::fs::write(&config_file, config.to_string()).unwrap();
    let arguments = ["plugin", "check", file.to_str().unwrap(), "--config", config_file.to_str().unwrap()];
    command(program, &arguments).await
}

/// The lines of a report about one check, which begins with this name.
fn lines(report: &str, check: &str) -> String {
    let mut found = String::new();
    let mut inside = false;
    for line in report.lines() {
        inside = line.starts_with(&format!("{check} ..")) || (inside && line.starts_with(' '));
        if inside {
            found.push_str(line.trim_start());
            found.push('\n');
        }
    }
    found
}

/// The names of the checks that failed.
fn failed(report: &str) -> Vec<&str> {
    let failed = report.lines().filter(|line| line.contains(".. FAILED: "));
    failed.filter_map(|line| line.split(" ..").next()).collect()
}

#[tokio::test]
async fn the_samples_pass_each_with_one_kind_of_operation() {
    let old = "ok: ABI 1.0, provides ";
    for (name, abi, provides, speed) in [
        ("sample_permissions", old, "get_permissions\n", "get_permissions "),
        ("sample_extension", old, "on_new_user, on_user_login, on_user_logout\n", "on_user_login "),
        ("sample_tokens", "ok: ABI 1.2, provides ", "resolve_token\n", "resolve_token "),
    ] {
        let outcome = check(&built_plugins().join(format!("lib{name}.so"))).await;
        assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{}", outcome.out);
        let title = format!("{} 0.1.0: {provides}", name.replace('_', "-"));
        assert!(outcome.out.starts_with(&title), "{}", outcome.out);
        assert_eq!(failed(&outcome.out), Vec::<&str>::new(), "{}", outcome.out);
        for (check, part) in [
            ("file", "ok: a library for this machine, SHA-256 "),
            ("table", abi),
            ("create", "ok: an instance in "),
            ("broken configurations", "none accepted that should not be"),
            ("odd strings", "calls with 12 strings in "),
            ("threads", "ok: 8000 calls on 8 threads"),
            ("deadlines", "ok: "),
            ("leaks", "ok: 100 instances and "),
            ("speed", speed),
        ] {
            let lines = lines(&outcome.out, check);
            assert!(lines.contains(part), "{check}: {part:?} in {lines:?}");
        }
    }
}

#[tokio::test]
async fn the_document_shows_a_report_as_it_is() {
    let document =
        std::fs::read_to_string(crate::documents::markdown::repository().join("docs/plugins/check.md"));
    let document = document.unwrap();
    let sample = document.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let report = check(&built_plugins().join("libsample_permissions.so")).await.out;
    assert_eq!(without_numbers(sample), without_numbers(&report));
}

/// A report without what is different each time: times and digests.
fn without_numbers(report: &str) -> String {
    let word = |word: &str| {
        let plain = word.trim_end_matches([',', ';']);
        let is_time = plain.starts_with(|c: char| c.is_ascii_digit()) && plain.ends_with('s');
        let is_digest = plain.len() == 64 && plain.bytes().all(|b| b.is_ascii_hexdigit());
        if is_time || is_digest { "_".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    report.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}
