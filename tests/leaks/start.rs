//! Settings that are wrong are complained about without being shown.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use vestibule_test_support::{Program, ProgramBuilder, eventually};

const CANARY: &str = "k4n4ry";

fn settings() -> ProgramBuilder {
    Program::builder()
        .setting("GITHUB_KEY", "client")
        .setting("GITHUB_SECRET", "k4n4ry-of-the-client")
        .setting("LOG", super::LOUDEST)
}

/// What every command says of these settings, of which `serve` must not go on.
async fn complaints(name: &str, settings: ProgramBuilder) {
    // So that a missing key is not what is complained about; where a key is given, there is none to make.
    settings.run(&["keys", "generate"]).await;
    for command in [&["config", "check"][..], &["migrate"], &["keys", "list"], &["users", "list"]] {
        let output = settings.run(command).await;
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!text.contains(CANARY), "{name}: {command:?} shows it: {text}");
        assert!(!text.contains("panicked"), "{name}: {command:?}: {text}");
    }
    let ended = settings.try_start().await.expect_err("settings that are wrong stop the start");
    assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.logs);
    assert!(!ended.logs.is_empty() && !ended.logs.contains(CANARY), "{name}: {}", ended.logs);
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_wrong_key_is_not_shown() {
    let pem = |text: &str| format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let escaped = pem("k4n4ryk4n4ry").replace('\n', "\\n");
    for key in [
        "k4n4ry".to_owned(),
        pem("k4n4ryk4n4ry"),
        pem("k4n4ry!!"),
        escaped,
        pem("k4n4ry").replace("PRIVATE", "RSA PRIVATE"),
        pem("k4n4ry").replace("-----END", "-----"),
        BASE64_STANDARD.encode(pem("k4n4ry")),
        pem("k4n4ry").replace("PRIVATE", "k4n4ry"),
    ] {
        complaints("PRIVATE_KEY", settings().setting("PRIVATE_KEY", &key)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_wrong_file_of_a_secret_is_not_shown() {
    let settings = settings();
    let file = settings.directory().join("key.pem");
    std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nk4n4ry\n-----END PRIVATE KEY-----\n").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = settings.setting("PRIVATE_KEY_FILE", &file.display().to_string());
    complaints("PRIVATE_KEY_FILE", settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_wrong_database_address_is_not_shown() {
    for url in [
        "postgres://user:k4n4ry@host:port/name",
        "postgres://user:k4n4ry@/name",
        "postgres://user:k4n4ry@host/name?sslmode=k4n4ry",
        "postgres://user:k4n4ry@host/name?password=k4n4ry&x=y",
        "postgres://user:k4n4ry",
        "mysql://user:k4n4ry@host/name",
        "k4n4ry",
    ] {
        complaints(url, settings().setting("DATABASE_URL", url)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_wrong_address_of_a_provider_does_not_show_its_password() {
    for (name, value) in [
        ("GITHUB_URL", "https://user:k4n4ry@github.example"),
        ("GITHUB_API_URL", "https://user:k4n4ry@github.example"),
        ("GITHUB_URL", "ftp://k4n4ry.example"),
    ] {
        complaints(name, settings().setting(name, value)).await;
    }
    complaints("OUTBOUND_PROXY", settings().setting("OUTBOUND_PROXY", "http://user:k4n4ry@proxy/pac")).await;
    let google = settings().setting("GOOGLE_KEY", "x").setting("GOOGLE_SECRET", "k4n4ry");
    complaints("GOOGLE_ISSUER", google.setting("GOOGLE_ISSUER", "https://u:k4n4ry@accounts.example")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_a_mistake_in_the_file_is_not_shown() {
    for text in [
        "google_secret = \"k4n4ry",
        "google_secret = k4n4ry",
        "google_secret = { k4n4ry = 1 }",
        "google_secret = [1, \"k4n4ry\"]",
        "google_secret = \"k4n4ry\"",
        "[providers.corp]\nissuer = \"https://i.example\"\nclient_id = \"c\"\nclient_secret = [\"k4n4ry\"]",
        "[providers.corp]\nissuer = \"https://u:k4n4ry@i.example\"\nclient_id = \"c\"\nclient_secret = \"k4n4ry\"",
        "[providers.corp]\nissuer = \"i\"\nclient_id = \"c\"\nclient_secret = \"k4n4ry\"\nsecret = \"k4n4ry\"",
        "database_url = \"postgres://u:k4n4ry@h:x/y\"\nprivate_key = \"k4n4ry\"",
    ] {
        let settings = settings().without("DATABASE_URL").config(text);
        complaints(text, settings).await;
    }
}

/// A server that is not there yet is waited for, and the log says so without its password.
#[tokio::test(flavor = "multi_thread")]
async fn n1_while_the_database_is_waited_for_its_password_is_not_shown() {
    let settings = settings().setting("DATABASE_URL", "postgres://user:k4n4ry@127.0.0.1:1/name");
    assert!(settings.run(&["keys", "generate"]).await.status.success());
    let program = settings.ready_at(None).start().await;
    let waits = async || program.logs().contains("the database does not answer yet");
    eventually("the program waits for its database", waits).await;
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", program.pid())).unwrap();
    assert!(!program.logs().contains(CANARY) && !command_line.contains(CANARY), "{}", program.logs());
    let migrate = program.run(&["migrate"]).await;
    let text = String::from_utf8_lossy(&migrate.stderr).into_owned();
    assert!(!migrate.status.success() && !text.is_empty() && !text.contains(CANARY), "{text}");
}
