//! Extensions hear of sign-ins and sign-outs, and may change a user.

pub(crate) mod events;
mod neighbours;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use vestibule_provider_emulator::{Endpoint, Provider};
use vestibule_test_support::{TestDatabase, eventually};

use crate::authorize::granted;
use crate::authorize::plugins::PluginFolder;
use crate::world::{APP, World, WorldBuilder, on_both_databases};

/// A world whose service `echo` answers with what a plugin is told about a user.
fn with_echo(database: TestDatabase, folder: &PluginFolder) -> WorldBuilder {
    World::builder(database)
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "echo:scripted")
}

/// What the plugins know of a user.
async fn known_user(world: &World, token: &str) -> Value {
    granted(world, token, "echo").await["permissions"]["user"].clone()
}

/// What the extensions noted in the log, with their aliases, in order.
fn notes(world: &World) -> Vec<(String, String)> {
    let logs = world.program.logs();
    let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let notes = lines.filter(|line| line["target"] == "plugin");
    notes.map(|line| (text(&line, "message"), text(&line, "plugin"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_extension_hears_of_every_event_once_in_the_order_of_the_setting() {
    let world = World::builder(TestDatabase::sqlite())
        .setting("INSTALLED_EXTENSIONS", "second-name:sample-extension;first-name:sample-extension")
        .setting("LOG_FORMAT", "json")
        .start()
        .await;
    let both = |note: &str| [(note.into(), "second-name".into()), (note.into(), "first-name".into())];
    let mut expected: Vec<(String, String)> = [both("a new user"), both("a user signed in")].concat();
    let first = world.sign_in("google", "ada").await;
    assert_eq!(notes(&world), expected, "a new user, who signs in");
    let second = world.sign_in("github", "ada").await;
    expected.extend(both("a user signed in"));
    assert_eq!(notes(&world), expected, "the same user by another identity");
    for token in [&first, &first] {
        world.post_as(token, "/auth/logout", &[]).await;
    }
    expected.extend(both("a user signed out"));
    assert_eq!(notes(&world), expected, "a dead token signs nobody out");
    world.sign_in("google", "ada").await;
    expected.extend(both("a user signed in"));
    world.post_as(&second, "/auth/logout", &[("all", "true")]).await;
    expected.extend(both("a user signed out"));
    assert_eq!(notes(&world), expected, "everywhere is one event");
    assert_eq!(world.fail_to_sign_in("google", "refuses").await, "access_denied");
    assert_eq!(notes(&world), expected, "a sign-in that fails is none");
}

/// Whoever closes the window at the wrong moment is a user all the same, and the extensions must know.
#[tokio::test(flavor = "multi_thread")]
async fn e8_a_browser_that_goes_away_does_not_keep_the_extensions_from_hearing() {
    let world = World::builder(TestDatabase::sqlite()).setting("LOG_FORMAT", "json").start().await;
    let control = world.control();
    control.set_slow_delay(Duration::from_secs(1));
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "slow", APP).await;
    let mut connection = TcpStream::connect(world.program.base_url().replace("http://", "")).await.unwrap();
    let (path, query) = (callback.path(), callback.query().unwrap());
    let cookie = browser.cookie("vestibule-sign-in").unwrap();
    let request =
        format!("GET {path}?{query} HTTP/1.1\r\nHost: x\r\nCookie: vestibule-sign-in={cookie}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let reached = async || control.requests(Provider::Google, Endpoint::Token) == 1;
    eventually("the provider is asked to exchange the code", reached).await;
    // Not a goodbye but a slammed door, which drops the request where it waits.
    connection.set_zero_linger().unwrap();
    drop(connection);
    let told =
        ["a new user", "a user signed in"].map(|note| (note.to_owned(), "sample-extension".to_owned()));
    eventually("the extension has heard of both events", async || notes(&world) == told).await;
}

on_both_databases! {
    async fn what_an_extension_keeps_with_a_user_is_there_at_the_next_event(database) {
        let folder = PluginFolder::with_scripted("echo");
        let mut world = with_echo(database, &folder).start().await;
        for count in 1..=3 {
            let token = world.sign_in("google", "ada").await;
            let user = known_user(&world, &token).await;
            assert_eq!(user["attributes"], json!({"sample": {"sign_ins": count}}));
            world.program.restart().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_told_who_the_user_is() {
    let folder = PluginFolder::with_scripted("echo");
    let world = with_echo(TestDatabase::sqlite(), &folder).without("INSTALLED_EXTENSIONS").start().await;
    let token = world.sign_in("google", "ada").await;
    world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
    let profile = world.profile(&token).await;
    let expected = json!({
        "id": profile["id"], "name": profile["name"], "email": profile["email"], "username": "ada",
        "avatar_url": profile["avatar_url"], "provider_id": profile["provider_id"],
        "join_date": profile["join_date"], "attributes": {},
    });
    assert_eq!(known_user(&world, &token).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_changes_name_picture_and_attributes_and_nothing_else() {
    let folder = PluginFolder::with_scripted("echo");
    let patch = r#"{\"name\":\"Renamed\",\"avatar_url\":\"https://pictures.example.com/new.png\",\"id\":\"root\",\"email\":\"root@example.org\",\"username\":\"root\",\"provider_id\":\"google:1\",\"disabled_at\":1,\"attributes\":{\"team\":\"blue\"}}"#;
    folder.add_variant("patches", &[&format!("REPLY=\"{patch}\"")]);
    let world = with_echo(TestDatabase::sqlite(), &folder)
        .setting("INSTALLED_EXTENSIONS", "patches;sample-extension")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let persona = world.control().find_persona("ada").unwrap().google;
    let profile = world.profile(&token).await;
    assert_eq!(profile["name"], "Renamed");
    assert_eq!(profile["avatar_url"], "https://pictures.example.com/new.png");
    assert_eq!(profile["email"], persona["email"]);
    assert_eq!(profile["provider_id"], format!("google:{}", persona["sub"].as_str().unwrap()).as_str());
    assert!(profile.get("username").is_none() && profile["id"] != "root", "{profile}");
    let user = known_user(&world, &token).await;
    assert_eq!(user["attributes"], json!({"team": "blue", "sample": {"sign_ins": 1}}));
    let logs = world.program.logs();
    assert!(logs.contains("a part of a patch is refused"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_extension_sees_what_an_earlier_one_changed() {
    let folder = PluginFolder::with_scripted("echo");
    let world = with_echo(TestDatabase::sqlite(), &folder)
        .setting("INSTALLED_EXTENSIONS", "one:faulty-plugin;two:faulty-plugin")
        .config("[plugin.one]\nconfig = { fault = \"greedy-patch\" }\n")
        .config("[plugin.two]\nconfig = { fault = \"greedy-patch\" }\n")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    assert_eq!(known_user(&world, &token).await["attributes"], json!({"seen_name": "Renamed"}));
}

/// Extensions that fail in every way, before one that works.
const BROKEN: [&str; 8] =
    ["panic-in-call", "fatal", "retry", "deny", "not-json", "two-replies", "too-big", "unknown-code"];

#[tokio::test(flavor = "multi_thread")]
async fn e8_extensions_that_fail_are_logged_and_keep_nobody_out() {
    let folder = PluginFolder::with_scripted("echo");
    let extensions: Vec<_> = BROKEN.iter().map(|fault| format!("{fault}:faulty-plugin;")).collect();
    let tables = BROKEN.map(|fault| format!("[plugin.{fault}]\nconfig = {{ fault = \"{fault}\" }}\n"));
    let world = with_echo(TestDatabase::sqlite(), &folder)
        .setting("INSTALLED_EXTENSIONS", &format!("{}sample-extension", extensions.concat()))
        .config(&tables.concat())
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    assert_eq!(
        known_user(&world, &token).await["attributes"]["sample"]["sign_ins"],
        1,
        "the last one was told"
    );
    let answer = world.post_as(&token, "/auth/logout", &[]).await;
    assert_eq!(answer.json(), json!({"success": true}));
    assert!(!world.is_signed_in(&token).await);
    let logs = world.program.logs();
    for fault in BROKEN {
        for hook in ["on_new_user", "on_user_login", "on_user_logout"] {
            assert!(
                logs.contains(&format!("plugin=\"{fault}\" operation=\"{hook}\"")),
                "{fault}, {hook}: {logs}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_an_extension_that_hangs_for_ever_keeps_nobody_in_or_out() {
    let folder = PluginFolder::with_scripted("hang");
    folder.add_variant("hangs", &["HANG"]);
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("INSTALLED_EXTENSIONS", "hangs;sample-extension")
        .config("[plugin.hangs]\ntimeout = \"5m\"\n")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    assert!(world.is_signed_in(&token).await);
    let answer = world.post_as(&token, "/auth/logout", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
    assert!(!world.is_signed_in(&token).await);
    let logs = world.program.logs();
    for hook in ["on_user_login", "on_user_logout"] {
        assert!(
            logs.contains(&format!("plugin=\"hangs\" operation=\"{hook}\" outcome=\"timeout\"")),
            "{logs}"
        );
    }
    assert!(logs.contains("a user signed out"), "the one behind it was told: {logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_refuses_a_sign_in_only_where_the_operator_allows_it() {
    let config =
        |may_deny: bool| format!("[plugin.strict]\nmay_deny = {may_deny}\nconfig = {{ fault = \"deny\" }}\n");
    let world = |may_deny: bool| {
        World::builder(TestDatabase::sqlite())
            .setting("INSTALLED_EXTENSIONS", "strict:faulty-plugin;sample-extension")
            .config(&config(may_deny))
            .start()
    };
    let lax = world(false).await;
    lax.sign_in("google", "ada").await;

    let strict = world(true).await;
    assert_eq!(strict.fail_to_sign_in("google", "ada").await, "access_denied");
    assert!(!strict.program.logs().contains("a user signed in"), "those after it are not told");
    let users = strict.program.run(&["users", "list"]).await;
    let users = String::from_utf8(users.stdout).unwrap();
    let id = users.split_whitespace().next().expect("the user is known").to_owned();
    let shown = String::from_utf8(strict.program.run(&["users", "show", &id]).await.stdout).unwrap();
    assert!(shown.contains("identity  ") && !shown.contains("session   "), "no session is left: {shown}");
}
