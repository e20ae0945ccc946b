//! A start that succeeds or does not, and how to ask whether the service is alive.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _, pipe};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;
use tokio::net::TcpListener;
use vestibule_test_support::{TestDatabase, eventually};

use super::{command, ready_to_start};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_start_tells_in_a_few_lines_what_is_in_force() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (base, keys) = (world.program.base_url(), world.program.keys_dir());
    let address = base.replace("http://", "");
    let logs = world.program.logs();
    let jwks = world.browser().get("/.well-known/jwks.json").await.json();
    for line in [
        "vestibule 0.1.0\n".to_owned(),
        format!("  address     {base} on {address}\n"),
        format!(
            "  keys        {}/, signing with {}\n",
            keys.display(),
            jwks["keys"][0]["kid"].as_str().unwrap()
        ),
        "  providers   google, github, corporate\n".to_owned(),
        format!("  callbacks   {base}/auth/oauth_callback to be registered at google, github\n"),
        format!("              {base}/auth/callback/corporate to be registered at corporate\n"),
        "  origins     https://app.example.com, http://localhost:3000\n".to_owned(),
        "  services    storage by sample-permissions, reports by sample-permissions\n".to_owned(),
        "  plugins     ".to_owned(),
        "  revocation  a permission that is taken away is gone after 20m at the latest\n".to_owned(),
        "  database    sqlite://".to_owned(),
        format!("  settings    {}\n", world.program.directory().join("vestibule.toml").display()),
    ] {
        assert!(logs.contains(&line), "{line:?} in {logs}");
    }
    assert!(!logs.contains("missing"), "nothing is: {logs}");
    for secret in ["google-secret", "github-secret", "corp-secret"] {
        assert!(!logs.contains(secret), "{secret} in {logs}");
    }
}

#[tokio::test]
async fn what_is_absent_and_may_surprise_is_told() {
    let program = ready_to_start().await.start().await;
    let logs = program.logs();
    assert!(
        logs.contains("  missing     google (GOOGLE_KEY, GOOGLE_SECRET), services (ALLOWED_SERVICES)"),
        "{logs}"
    );
}

#[tokio::test]
async fn a_log_in_json_is_nothing_but_json() {
    let program = ready_to_start().await.setting("LOG_FORMAT", "json").start().await;
    program.client().get("/auth/check").await;
    let lines: Vec<Value> =
        program.logs().lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let providers = lines.iter().find(|line| line["name"] == "providers").expect("the report is part of it");
    assert_eq!(providers["value"], "github");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_before_anything_is_done() {
    for name in ["LISTEN", "ADMIN_LISTEN"] {
        let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let taken = holder.local_addr().unwrap().to_string();
        let program = ready_to_start().await.setting(name, &taken).ready_at(None);
        let database = program.directory().join("vestibule.db");
        let mut program = program.start().await;
        assert_eq!(program.ended().await.code(), Some(1));
        let expected = format!("vestibule: {name}: {taken}: Address already in use");
        assert!(program.logs().contains(&expected), "{expected} in {}", program.logs());
        assert!(program.logs().contains(&format!("or set {name} to another address")), "{}", program.logs());
        assert!(!database.exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_says_whether_the_service_answers() {
    let mut program = ready_to_start().await.start().await;
    let address = program.base_url().replace("http://", "");
    let check = async |program: &vestibule_test_support::Program| {
        let outcome: super::Outcome = program.run(&["healthcheck"]).await.into();
        (outcome.status, outcome.out + &outcome.error)
    };
    assert_eq!(check(&program).await, (Some(0), String::new()));
    program.freeze();
    let (status, text) = check(&program).await;
    program.thaw();
    assert!(status == Some(1) && text.contains(&address), "{text}");
    program.stop().await;
    let (status, text) = check(&program).await;
    assert_eq!(status, Some(1));
    assert!(text.starts_with(&format!("vestibule: {address}: Connection refused")), "{text}");
}

#[tokio::test]
async fn a_service_that_listens_everywhere_is_asked_on_loopback() {
    let program = ready_to_start().await;
    let port = program.base_url().rsplit(':').next().unwrap().to_owned();
    let program = program.setting("LISTEN", &format!("0.0.0.0:{port}")).start().await;
    assert_eq!(program.run(&["healthcheck"]).await.status.code(), Some(0));
    let nowhere = ready_to_start().await.setting("LISTEN", "127.0.0.1:1");
    assert_eq!(command(&nowhere, &["healthcheck"]).await.status, Some(1));
}

/// A pipe that has no room, and whose reader takes nothing yet.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

#[tokio::test]
async fn a_standard_output_that_takes_nothing_does_not_stop_the_start() {
    let (reader, writer) = full_pipe();
    let program = ready_to_start().await.output_to(writer).start().await;
    assert_eq!(program.client().get("/healthz").await.status, 200);
    let told = async || program.logs().contains("nothing reads standard output");
    eventually("the log says why there is no report", told).await;
    let first_line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line).map(|_| line)
    });
    let line = first_line.await.unwrap().unwrap();
    assert!(line.ends_with("xxvestibule 0.1.0\n"), "the report comes when there is room: {line:?}");
}
