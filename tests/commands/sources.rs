//! Flag over environment over file over default.

use vestibule_test_support::ProgramBuilder;

use super::{command, ready_to_start};

/// An address that a test cannot listen at: nobody has this network.
const NOWHERE: &str = "192.0.2.1:1";

fn address(program: &ProgramBuilder) -> String {
    program.base_url().replace("http://", "")
}

#[tokio::test]
async fn a_flag_counts_more_than_the_environment() {
    let program = ready_to_start().await;
    let address = address(&program);
    let program = program.setting("LISTEN", NOWHERE).argument("--listen").argument(&address).start().await;
    assert!(program.logs().contains(&format!(" on {address}\n")), "{}", program.logs());
}

#[tokio::test]
async fn the_environment_counts_more_than_the_file_and_the_file_more_than_the_default() {
    let program = ready_to_start().await.config(&format!("listen = \"{NOWHERE}\"\nlog_format = \"json\"\n"));
    let program = program.start().await;
    let logs = program.logs();
    assert!(
        logs.lines().all(|line| line.starts_with('{')),
        "the file says json, the default is text: {logs}"
    );
}

#[tokio::test]
async fn the_file_counts_and_an_empty_value_of_the_environment_does_not() {
    let program = ready_to_start().await;
    let config = format!("listen = \"{}\"\n", address(&program));
    program.setting("LISTEN", "").config(&config).start().await;
}

#[tokio::test]
async fn without_any_setting_the_listener_has_its_default() {
    // Nothing may be there, or somebody else: either way the address that is asked is told.
    let program = ready_to_start().await.without("LISTEN");
    let outcome = command(&program.setting("ADMIN_LISTEN", NOWHERE), &["serve"]).await;
    assert_eq!(outcome.status, Some(1));
    let told = outcome.error.contains("ADMIN_LISTEN: 192.0.2.1:1: ")
        || outcome.error.contains("LISTEN: 127.0.0.1:8000: ");
    assert!(told, "{}", outcome.error);
}

#[tokio::test]
async fn the_file_in_the_working_directory_is_found_without_being_named() {
    let program = ready_to_start().await;
    std::fs::write(program.directory().join("vestibule.toml"), "listen_on = 1\n").unwrap();
    let outcome = command(&program, &["config", "check"]).await;
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.error.contains("vestibule.toml: unknown key \"listen_on\""), "{}", outcome.error);
}
