//! Flag over environment over file over default.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

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
async fn a_file_of_a_secret_that_is_empty_counts_as_absent() {
    let program = ready_to_start().await.without("GITHUB_SECRET");
    let path = program.directory().join("empty");
    std::fs::write(&path, "\n").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let program = program.setting("GITHUB_SECRET_FILE", path.to_str().unwrap());
    let outcome = command(&program, &["config", "check"]).await;
    assert_eq!(outcome.error, "vestibule: GITHUB_SECRET is not set: GITHUB_KEY is\n");
    let file = program.directory().join("vestibule.toml");
    std::fs::write(&file, "github_secret = \"secret\"\n").unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let outcome = command(&program, &["config", "check"]).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "the next place counts");
}

/// One secret in two places is no mistake: the earlier place counts, whether it has the secret or names its file.
#[tokio::test]
async fn a_secret_of_the_environment_counts_more_than_one_whose_file_the_settings_name_and_the_reverse() {
    for (variable, key) in [("DATABASE_URL", "database_url_file"), ("DATABASE_URL_FILE", "database_url")] {
        let program = ready_to_start().await.without("DATABASE_URL");
        let folder = program.directory().to_owned();
        let url = |name: &str| format!("sqlite://{}", folder.join(name).display());
        let file = |name: &str| {
            let path = folder.join(format!("url-of-{name}"));
            std::fs::write(&path, format!("{}\n", url(name))).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            path.display().to_string()
        };
        let written = |is_file: bool, name: &str| if is_file { file(name) } else { url(name) };
        let program = program
            .setting(variable, &written(variable.ends_with("_FILE"), "environment.db"))
            .config(&format!("{key} = {:?}\n", written(key.ends_with("_file"), "settings.db")));
        let outcome = command(&program, &["migrate"]).await;
        assert_eq!(outcome.status, Some(0), "{variable}: {}", outcome.error);
        let made = |name: &str| folder.join(name).exists();
        assert!(made("environment.db") && !made("settings.db"), "{variable}");
    }
}

/// The same rule for each place: what is around a value is no part of it, what is inside is.
#[tokio::test]
async fn white_space_around_a_value_means_nothing_in_any_place() {
    let program = ready_to_start().await.without("GITHUB_SECRET").without("DATABASE_URL");
    let folder = program.directory().to_owned();
    let secret = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let database = format!("\u{feff}\n  sqlite://{}\r\n\n", folder.join("made.db").display());
    let program = program
        .setting("GITHUB_KEY", " id\n")
        .setting("GITHUB_SECRET_FILE", &format!(" {}\n", secret("github", "\tsecret \r\n")))
        .setting("DATABASE_URL_FILE", &secret("database", &database))
        .setting("ALLOWED_ORIGINS", "\n https://a.example ;\n https://b.example\n")
        .setting("GOOGLE_KEY", "\u{a0}id ")
        .setting("GOOGLE_SECRET", "secret\n")
        .setting("GOOGLE_ISSUER", "https://id.example\n")
        .config(&format!(
            "[providers.corp]\nissuer = \" https://corp.example\\n\"\nclient_id = \"\\tid \"\nclient_secret_file = {:?}\n",
            format!("{}\n", secret("corp", "secret\n\n"))
        ));
    let outcome = command(&program, &["config", "check"]).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{}", outcome.out);
    assert_eq!(command(&program, &["migrate"]).await.status, Some(0));
    assert!(folder.join("made.db").exists());
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
