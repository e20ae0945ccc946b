//! The settings that docs/providers.md gives are settings that the program takes.

use crate::commands::{command, ready_to_start};
use crate::documents::markdown::Document;

/// The settings of a block of a shell, with a secret itself in the place of its file, which is not there.
fn of_environment(code: &str) -> Vec<(String, &str)> {
    code.lines()
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
            match name.strip_suffix("_FILE") {
                Some(secret) => (secret.to_owned(), "secret"),
                None => (name.to_owned(), value),
            }
        })
        .collect()
}

/// A table, with the same replaced in it.
fn of_file(code: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("client_secret_file") {
            "client_secret = \"secret\"".to_owned()
        } else {
            line.to_owned()
        }
    };
    code.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_settings_of_each_provider_are_taken() {
    let mut tried = 0;
    for fence in Document::read("docs/providers.md").fences() {
        let mut program = ready_to_start().await;
        program = match fence.language.as_str() {
            "sh" => of_environment(&fence.code)
                .iter()
                .fold(program, |program, (name, value)| program.setting(name, value)),
            "toml" => program.config(&of_file(&fence.code)),
            other => panic!("a block in {other:?} that no test tries"),
        };
        let outcome = command(&program, &["config", "check"]).await;
        assert_eq!(outcome.status, Some(0), "{}: {} {}", fence.code, outcome.out, outcome.error);
        tried += 1;
    }
    assert!(tried >= 15, "{tried}");
}

#[tokio::test]
async fn the_tables_of_providers_in_the_settings_are_taken() {
    let fences = Document::read("docs/settings.md").fences();
    let tables: Vec<_> = fences.iter().filter(|fence| fence.code.starts_with("[providers.")).collect();
    for fence in &tables {
        let outcome =
            command(&ready_to_start().await.config(&of_file(&fence.code)), &["config", "check"]).await;
        assert_eq!(outcome.status, Some(0), "{}: {} {}", fence.code, outcome.out, outcome.error);
    }
    assert!(tables.len() >= 2, "{}", tables.len());
}
