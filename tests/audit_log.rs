//! The plugin `audit-log`: who came and went, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use vestibule_test_support::{TestDatabase, eventually};

use crate::authorize::plugins::built_plugins;
use crate::world::{World, WorldBuilder};

/// A world with the plugin and this configuration, in TOML.
fn with_audit(config: &str) -> WorldBuilder {
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", built_plugins().to_str().unwrap())
        .setting("INSTALLED_EXTENSIONS", "audit:audit-log")
        .config(&format!("[plugin.audit]\nconfig = {{ {config} }}"))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("audit.jsonl")
    }

    fn world(&self) -> WorldBuilder {
        with_audit(&format!("file = '{}'", self.file().display()))
    }
}

/// The lines of a file, each of which must be whole.
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| line.parse().unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn events(file: &Path) -> Vec<String> {
    lines(file).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_comes_twice_and_goes_is_four_lines_without_a_token() {
    let folder = Folder::new();
    let world = folder.world().start().await;
    let first = world.sign_in("google", "ada").await;
    let profile = world.profile(&first).await;
    world.post_as(&first, "/auth/update", &[("username", "ada")]).await;
    let second = world.sign_in("google", "ada").await;
    world.post_as(&second, "/auth/logout", &[]).await;

    assert_eq!(events(&folder.file()), ["user.created", "user.login", "user.login", "user.logout"]);
    for (number, line) in lines(&folder.file()).iter().enumerate() {
        let members: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec!["event", "provider_id", "time", "user_id"];
        if number >= 2 {
            expected.push("username");
        }
        assert_eq!(members, expected, "{line}");
        assert_eq!((&line["user_id"], &line["provider_id"]), (&profile["id"], &profile["provider_id"]));
    }
    let text = fs::read_to_string(folder.file()).unwrap();
    let secrets = [&first, &second].map(String::as_str).into_iter().chain(["eyJ", "@", "Ada"]);
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_members_come_where_they_are_asked_for_also_on_standard_output() {
    let world = with_audit(r#"stdout = true, include = ["email", "name"]"#).start().await;
    let token = world.sign_in("google", "ada").await;
    let profile = world.profile(&token).await;
    let logs = world.program.logs();
    let lines = logs.lines().filter_map(|line| line.parse::<Value>().ok());
    let lines: Vec<_> = lines.filter(|line| line["event"].is_string()).collect();
    assert_eq!(lines.len(), 2, "{logs}");
    for line in lines {
        assert_eq!((&line["name"], &line["email"]), (&profile["name"], &profile["email"]));
    }
}

/// Each service has a lock of its own on the same file.
#[tokio::test(flavor = "multi_thread")]
async fn two_services_write_to_one_file_and_neither_loses_or_tears_a_line() {
    let folder = Folder::new();
    let worlds = [folder.world().start().await, folder.world().start().await];
    let sign_ins = worlds.iter().map(async |world| {
        for _ in 0..10 {
            world.sign_in("google", "ada").await;
        }
    });
    let [one, other]: [_; 2] = sign_ins.collect::<Vec<_>>().try_into().ok().unwrap();
    tokio::join!(one, other);
    let events = events(&folder.file());
    assert_eq!(events.iter().filter(|event| *event == "user.created").count(), 2);
    assert_eq!(events.iter().filter(|event| *event == "user.login").count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_vanishes_keeps_nobody_from_signing_in_and_shows_in_the_health() {
    let folder = Folder::new();
    let world = folder.world().start().await;
    let browser = world.browser();
    let readiness = async || browser.get("/readyz").await;
    world.sign_in("google", "ada").await;
    let aside = folder.0.path().with_extension("aside");
    fs::rename(folder.0.path(), &aside).unwrap();
    world.sign_in("google", "ada").await;
    eventually("the service is not ready", async || readiness().await.status == 503).await;
    let logs = world.program.logs();
    assert!(logs.contains("audit.jsonl: No such file"), "{logs}");

    fs::rename(&aside, folder.0.path()).unwrap();
    eventually("the service is ready", async || readiness().await.status == 200).await;
    world.sign_in("google", "ada").await;
    assert_eq!(events(&folder.file()), ["user.created", "user.login", "user.login"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_to_stops_the_start_and_is_named() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("/dev/null", folder.file()).unwrap();
    let program = vestibule_test_support::Program::builder()
        .setting("PLUGIN_PATH", built_plugins().to_str().unwrap())
        .setting("INSTALLED_EXTENSIONS", "audit:audit-log")
        .config(&format!("[plugin.audit]\nconfig = {{ file = '{}' }}", folder.file().display()));
    let ended = program.argument("--dev").try_start().await.expect_err("it does not start");
    assert!(ended.logs.contains("audit") && ended.logs.contains("is a symbolic link"), "{}", ended.logs);
}
