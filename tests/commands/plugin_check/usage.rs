//! Configurations, the report for machines, and what never appears in either.

use serde_json::{Value, json};
use vestibule_test_support::Program;

use super::{check_with, failed, lines};
use crate::authorize::plugins::built_plugins;
use crate::commands::command;

#[tokio::test]
async fn a_configuration_is_read_as_its_name_says() {
    let program = Program::builder();
    let file = built_plugins().join("libsample_permissions.so");
    for (name, text, status) in [
        ("good.toml", "permission = \"admin\"\ngranted = true\n", 0),
        ("good.json", "{\"permission\": \"admin\", \"granted\": true}", 0),
        ("bad.toml", "granted = true\n", 1),
        ("bad.json", "{\"granted\": true}", 1),
    ] {
        let config = program.directory().join(name);
        std::fs::write(&config, text).unwrap();
        let arguments = ["plugin", "check", file.to_str().unwrap(), "--config", config.to_str().unwrap()];
        let outcome = command(&program, &arguments).await;
        assert_eq!(outcome.status, Some(status), "{name}: {}{}", outcome.out, outcome.error);
        let expected = if status == 0 { vec![] } else { vec!["schema", "create"] };
        assert_eq!(failed(&outcome.out), expected, "{name}: {}", outcome.out);
        let misfit = "config must have \"permission\" because it has \"granted\"";
        assert_eq!(lines(&outcome.out, "schema").contains(misfit), status == 1, "{}", outcome.out);
    }
}

#[tokio::test]
async fn n1_a_configuration_that_cannot_be_read_is_not_quoted() {
    let program = Program::builder();
    let file = built_plugins().join("libsample_permissions.so");
    for (name, text) in [
        ("a.toml", "secret = hunter2-canary\n"),
        ("a.json", "{\"secret\": hunter2-canary}"),
        ("b.json", "[\"hunter2-canary\"]"),
        ("c.json", "{\"secret\": {\"$env\": \"ABSENT_CANARY\"}}"),
    ] {
        let config = program.directory().join(name);
        std::fs::write(&config, text).unwrap();
        let arguments = ["plugin", "check", file.to_str().unwrap(), "--config", config.to_str().unwrap()];
        let outcome = command(&program, &arguments).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{name}");
        assert!(!outcome.error.contains("hunter2"), "{name}: {}", outcome.error);
    }
}

#[tokio::test]
async fn n1_secrets_are_in_neither_report_nor_environment() {
    let program = Program::builder().setting("PLUGIN_SECRET", "hunter2-canary");
    let file = built_plugins().join("libfaulty_plugin.so");
    let config = json!({"fault": "tell-tale", "secret": {"$env": "PLUGIN_SECRET"}});
    let outcome = check_with(&program, &file, &config).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.out);
    let said = "(it says: no entry with (configured) (inherited: false))";
    assert!(lines(&outcome.out, "answers").contains(said), "{}", outcome.out);
    assert!(!outcome.out.contains("hunter2") && !outcome.error.contains("hunter2"), "{}", outcome.out);
}

#[tokio::test]
async fn the_report_for_machines_has_everything() {
    let program = Program::builder();
    let file = built_plugins().join("libsample_permissions.so");
    let outcome = command(&program, &["plugin", "check", file.to_str().unwrap(), "--json"]).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&report["passed"], &report["plugin"]["name"]), (&json!(true), &json!("sample-permissions")));
    assert_eq!(report["plugin"]["provides"], json!(["get_permissions"]));
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    let expected = [
        "file",
        "table",
        "schema",
        "create",
        "broken_configurations",
        "answers",
        "odd_strings",
        "threads",
        "deadlines",
        "leaks",
        "speed",
    ];
    assert_eq!(names, expected);
    assert!(checks.iter().all(|check| check["verdict"] == "ok"), "{report:#}");
    let figures = &checks[10]["notes"][0]["figures"];
    assert!(figures["get_permissions_nanoseconds"].as_u64().is_some_and(|time| time > 0), "{figures}");
}

#[tokio::test]
async fn the_report_for_machines_tells_of_a_failure_too() {
    let program = Program::builder();
    let outcome = command(&program, &["plugin", "check", "absent.so", "--json"]).await;
    assert_eq!(outcome.status, Some(1));
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&report["passed"], &report["plugin"]), (&json!(false), &json!(null)));
    assert_eq!(report["checks"][0]["verdict"], "failed");
    assert_eq!(report["checks"][1]["verdict"], "not_run");
}

#[tokio::test]
async fn files_that_broken_configurations_lead_to_are_not_left_behind() {
    let program = Program::builder();
    let file = built_plugins().join("libfaulty_plugin.so");
    let config = json!({"fault": "write-file", "secret": "proper"});
    let outcome = check_with(&program, &file, &config).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.out);
    let files = std::fs::read_dir(program.directory()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "proper"]);
}
