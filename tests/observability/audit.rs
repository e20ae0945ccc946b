//! The audit trail tells who did what, and nobody can flood it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_test_support::{MovableClock, TestDatabase, eventually};

use super::traffic;
use crate::world::{APP, World, on_both_databases};

/// What `vestibule audit list` prints.
async fn trail(world: &World, arguments: &[&str]) -> Vec<Value> {
    let output = world.program.run(&[&["audit", "list", "--json"], arguments].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

async fn command(world: &World, arguments: &[&str]) {
    let output = world.program.run(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

on_both_databases! {
    async fn what_people_and_the_operator_do_is_told_with_who_and_from_where(database) {
        let mut world = traffic::stage(database).start().await;
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        world.sign_in("github", "ada").await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        let ended = world.post_as(&token, "/auth/logout", &[]).await;
        for arguments in [
            &["roles", "grant", "--role", "Writer", "--user", "ada"][..],
            &["roles", "grant", "--role", "Writer", "--email", "k4n4ry@mail.example"],
            &["roles", "revoke", "--role", "Writer", "--user", "ada"],
            &["users", "disable", "ada"],
        ] {
            command(&world, arguments).await;
        }
        assert_eq!(world.fail_to_sign_in("google", "ada").await, "account_disabled");
        command(&world, &["users", "enable", "ada"]).await;
        command(&world, &["users", "delete", "ada"]).await;

        let events = trail(&world, &["--user", &id]).await;
        let mut told = names(&events);
        told[..4].sort_unstable();
        assert_eq!(told, [
            "identity.linked", "sign_in.succeeded", "sign_in.succeeded", "user.created",
            "user.username_chosen", "session.ended", "role.granted", "role.revoked", "user.disabled",
            "sign_in.refused", "user.enabled", "user.deleted",
        ]);
        let by_request = events.iter().find(|event| event["request_id"] == ended.header("x-request-id").unwrap());
        assert_eq!(by_request.unwrap()["event"], "session.ended");
        assert_eq!(by_request.unwrap()["actor"], *id);
        let refused = events.iter().find(|event| event["event"] == "sign_in.refused").unwrap();
        assert_eq!((&refused["outcome"], &refused["reason"]), (&json!("refused"), &json!("account_disabled")));
        assert_eq!((&refused["provider"], &refused["session"]), (&json!("google"), &Value::Null));
        for event in events.iter().filter(|event| event["event"].as_str().unwrap().starts_with("role")) {
            assert_eq!((&event["actor"], &event["details"]["role"]), (&json!("operator"), &json!("Writer")));
        }
        world.program.stop().await;
        let all = trail(&world, &[]).await;
        assert_eq!((names(&all)[0], *names(&all).last().unwrap()), ("service.started", "service.stopped"));
        let text = format!("{all:?}");
        assert!(text.contains("mail.example") && !text.contains("k4n4ry") && !text.contains("ada.moreau"), "{text}");
    }

    async fn the_operator_who_signs_people_out_is_told_of_as_such(database) {
        let world = traffic::stage(database).start().await;
        let ada = world.sign_in("google", "ada").await;
        world.sign_in("google", "linus").await;
        let id = world.profile(&ada).await["id"].clone();
        let ended = async || trail(&world, &["--event", "session.all_ended"]).await;
        assert!(ended().await.is_empty());
        command(&world, &["users", "sign-out", id.as_str().unwrap()]).await;
        command(&world, &["users", "sign-out", "--all"]).await;
        let told = ended().await;
        assert_eq!(told.len(), 2, "one for the person, one for everybody: {told:?}");
        for event in &told {
            assert_eq!((&event["actor"], &event["outcome"]), (&json!("operator"), &json!("ok")), "{event}");
        }
        let users: Vec<_> = told.iter().map(|event| &event["user"]).collect();
        assert_eq!(users, [&id, &Value::Null], "in the order in which it was done");
        let output = world.program.run(&["users", "sign-out", "nobody"]).await;
        assert_eq!((output.status.code(), ended().await.len()), (Some(1), 2), "what was not done is not told of");
    }

    async fn k7_whoever_is_nobody_can_add_nothing_however_often_they_come(database) {
        let world = traffic::stage(database).start().await;
        let before = trail(&world, &[]).await.len();
        let browser = world.browser();
        for _ in 0..20 {
            browser.get("/auth/login/google").await;
            browser.get("/auth/check?jwt=x").await;
            browser.get("/auth/oauth_callback?state=x&code=y").await;
        }
        let callback = world.reach_callback(&browser, "google", "refuses", APP).await;
        for _ in 0..5 {
            browser.get(callback.as_str()).await;
        }
        assert_eq!(trail(&world, &[]).await.len(), before);
        let logs = world.program.logs();
        let told = |name: &str| logs.lines().filter(|line| line.contains(&format!("\"event\":\"{name}\""))).count();
        assert_eq!((told("sign_in.replayed"), told("sign_in.refused")), (0, 5), "{logs}");
    }
}

/// One browser, one state, and an error that anybody can make up, as often as the machine can.
#[tokio::test(flavor = "multi_thread")]
async fn k12_refusals_of_whoever_is_nobody_have_so_many_lines_a_second() {
    const CALLBACKS: usize = 1_200;
    let world = traffic::stage(TestDatabase::sqlite()).without_limits().start().await;
    let browser = Arc::new(world.browser());
    let mut callback = world.reach_callback(&browser, "google", "refuses", APP).await;
    let of_google: Vec<_> = callback.query_pairs().into_owned().filter(|(name, _)| name != "iss").collect();
    callback.query_pairs_mut().clear().extend_pairs(of_google).append_pair("iss", "https://evil.example");
    let began = std::time::Instant::now();
    for _ in 0..CALLBACKS / 40 {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (browser, callback) = (Arc::clone(&browser), callback.clone());
            clients.spawn(async move { browser.get(callback.as_str()).await.status.as_u16() });
        }
        assert!(clients.join_all().await.iter().all(|status| *status == 303));
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    let logs = world.program.logs();
    for line in ["\"event\":\"sign_in.refused\"", "iss names another issuer"] {
        let count = logs.lines().filter(|written| written.contains(line)).count();
        assert!((1..=100 + 100 * seconds).contains(&count), "{count} lines with {line} in {seconds} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_come_and_go_and_plugins_that_are_reloaded_are_told_of() {
    let world = traffic::stage(TestDatabase::sqlite()).start().await;
    let mut files = std::fs::read_dir(world.program.keys_dir()).unwrap().map(|file| file.unwrap().path());
    let first = files.find(|path| path.extension().is_some_and(|extension| extension == "pem")).unwrap();
    command(&world, &["keys", "rotate"]).await;
    let told = async |name: &str| trail(&world, &["--event", name]).await;
    eventually("the new key is told of", async || told("keys.changed").await.len() == 1).await;
    std::fs::remove_file(first).unwrap();
    eventually("the old key's end is told of", async || told("keys.changed").await.len() == 2).await;
    let changes = told("keys.changed").await;
    assert_eq!(changes[0]["details"]["added"][0], changes[1]["details"]["signing"]);
    assert_eq!(changes[1]["details"]["removed"].as_array().unwrap().len(), 1);
    std::fs::write(world.program.keys_dir().join("odd.pem"), "rubbish").unwrap();
    eventually("rubbish is told of", async || told("keys.rejected").await.len() == 1).await;
    command(&world, &["plugin", "reload"]).await;
    let reloaded = told("plugins.reloaded").await;
    assert!(reloaded[0]["details"]["plugins"].to_string().contains("sample-permissions"), "{reloaded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_forgotten_when_their_time_is_over() {
    let clock = Arc::new(MovableClock::new());
    let settings = traffic::stage(TestDatabase::sqlite()).clock(&clock).setting("AUDIT_RETENTION", "10d");
    let mut world = settings.start().await;
    world.sign_in("google", "ada").await;
    clock.advance(Duration::from_secs(11 * 24 * 60 * 60));
    world.program.restart().await;
    // What is over goes at the start, and then every quarter of an hour.
    eventually("the old events are gone", async || {
        names(&trail(&world, &[]).await).iter().all(|name| name.starts_with("service."))
    })
    .await;
    assert!(!trail(&world, &["--since", "1h"]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_of_a_user_is_found_by_the_address_and_one_who_never_was_is_said_not_to_be() {
    let world = World::on(TestDatabase::sqlite()).await;
    let profile = world.profile(&world.sign_in("google", "ada").await).await;
    let id = profile["id"].as_str().unwrap();
    let by_address = trail(&world, &["--user", "ada.moreau@example.com"]).await;
    assert!(!by_address.is_empty());
    assert_eq!(by_address, trail(&world, &["--id", id]).await);
    for (option, name, what) in [
        ("--user", "linus@example.org", "verified address"),
        ("--user", "nobody", "id or username"),
        ("--id", "nobody", "id"),
        ("--username", "nobody", "username"),
    ] {
        let output = world.program.run(&["audit", "list", option, name]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{told}");
        assert_eq!(told, format!("vestibule: no user has the {what} {name:?}\n"));
    }
    world.program.run(&["users", "delete", id]).await;
    assert!(!trail(&world, &["--user", id]).await.is_empty(), "a deleted user is spoken of");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_does_not_exist_is_a_mistake() {
    let world = World::on(TestDatabase::sqlite()).await;
    let output = world.program.run(&["audit", "list", "--event", "sign_in"]).await;
    assert_eq!(output.status.code(), Some(2));
}
