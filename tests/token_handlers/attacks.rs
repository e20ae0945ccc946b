//! H11: what those who hold a token, or only try, can make of a handler, and a handler of the service.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::Forge;

use super::{handled, permissions, replies, session, with_handler};
use crate::authorize::plugins::PluginFolder;
use crate::world::World;

/// To the four operations that clients have always known as nobody, to others 401.
async fn assert_nobody(world: &World, token: &str) {
    let check = world.check(token).await;
    assert_eq!(check["authenticated"], false, "{check}");
    assert!(check["providers"].is_object(), "{check}");
    assert_eq!(permissions(world, token, "storage").await.json(), json!({"permissions": {}}));
    let answer = session(world, token).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
}

fn jws(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([7; 256]))
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_no_token_of_ours_comes_before_a_handler_and_every_other_bearer_does() {
    let folder = PluginFolder::new();
    let record = folder.directory().join("record");
    fs::write(&record, "").unwrap();
    let define = format!("RECORD={:?}", record.display().to_string());
    let world = with_handler(&folder, &[&define, &replies(&json!({"uid": "anybody"}))]).start().await;
    let good = world.sign_in("google", "ada").await;
    let authorized = permissions(&world, &good, "storage").await.json();
    let permission_token = authorized["token"].as_str().unwrap().to_owned();
    let stranger = Forge::stranger(&good);
    let issuer = world.program.base_url();
    let ours = [
        stranger.sign(&stranger.header, &stranger.claims),
        permission_token,
        format!("{good}x"),
        jws(&json!({"alg": "ES256", "typ": "JWT"}), &json!({"iss": issuer})),
        jws(&json!({"alg": "none", "typ": "at+jwt", "kid": "gone"}), &json!({"iss": issuer})),
        format!("vstp_{}", "0".repeat(38)),
        format!("vsta_{}", "A".repeat(38)),
        "vsth.AAAA".to_owned(),
    ];
    for token in &ours {
        assert_nobody(&world, token).await;
    }
    assert_eq!(world.check(&good).await["authenticated"], true);
    assert_eq!(fs::read_to_string(&record).unwrap(), "", "the handler was asked about a token of ours");

    let foreign = jws(&json!({"alg": "RS256", "kid": "other"}), &json!({"iss": "https://other.example"}));
    for token in [foreign.as_str(), "abcdefg", "ghp_0123456789"] {
        assert_eq!(world.profile(token).await["id"], "keys:anybody");
    }
    let asked = format!("{foreign}\nabcdefg\nghp_0123456789\n");
    assert_eq!(fs::read_to_string(&record).unwrap(), asked, "each is asked about, and once, at each check");

    // Nowhere but in `Authorization`.
    let browser = world.browser();
    let header = browser.request(Method::GET, "/auth/check").header("auth-token", "elsewhere");
    let form =
        browser.request(Method::POST, "/auth/update").form(&[("jwt", "elsewhere"), ("username", "ada")]);
    let query = browser.request(Method::GET, "/auth/check?jwt=elsewhere");
    for request in [header, form, query] {
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(fs::read_to_string(&record).unwrap(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_a_handler_that_fails_or_refuses_lets_nobody_in() {
    let builds = replies(&json!({"uid": "builds"}));
    for defines in [
        &["CODE=1"][..],
        &["CODE=2", &builds],
        &["CODE=4", &builds],
        &["CODE=5", &builds],
        &["CODE=99", &builds],
        &["REPLIES=0"],
        &["REPLIES=2", &builds],
        &["LARGE=1048576"],
    ] {
        let folder = PluginFolder::new();
        let world = with_handler(&folder, defines).start().await;
        assert_nobody(&world, "abc").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_an_answer_that_is_not_as_it_should_be_lets_nobody_in() {
    for answer in [
        json!({}),
        json!({"uid": "a\r\nX-Auth-User: root"}),
        json!({"uid": "builds", "roleaccount": "yes"}),
        json!({"uid": "builds", "roleaccount": null}),
        json!({"uid": "builds", "scopes": ["a\r\nb"]}),
    ] {
        let (_folder, world) = handled(&answer).await;
        assert_nobody(&world, "abc").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_while_a_handler_cannot_say_nobody_can() {
    for (defines, isolation) in [(&["CODE=3"][..], "thread"), (&["HANG"], "thread"), (&["HANG"], "process")] {
        let folder = PluginFolder::new();
        let settings = format!("[plugin.keys]\nisolation = \"{isolation}\"\ntimeout = \"300ms\"\n");
        let world = with_handler(&folder, defines).config(&settings).start().await;
        for address in ["/auth/check", "/auth/authorize?service=storage", "/auth/session"] {
            let answer = world.get_as("abc", address).await;
            assert_eq!(answer.status, 503, "{address}: {}", answer.body);
            assert!(answer.header("retry-after").is_some());
        }
        let good = world.sign_in("google", "ada").await;
        assert!(world.is_signed_in(&good).await, "others do not notice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_a_handler_names_no_user_of_ours_unless_it_may() {
    let folder = PluginFolder::new();
    let mut world = with_handler(&folder, &["CODE=1"]).start().await;
    let ada = world.sign_in("google", "ada").await;
    let own_profile = world.profile(&ada).await;
    let id = own_profile["id"].as_str().unwrap().to_owned();

    let person = replies(
        &json!({"uid": id, "roleaccount": false, "services": ["storage"], "scopes": ["permissions"]}),
    );
    folder.add_variant("keys", &[&super::HANDLER[..], &[&person]].concat());
    world.program.restart().await;
    assert_nobody(&world, "abc").await;

    let file = world.program.directory().join("vestibule.toml");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{settings}\n[plugin.keys]\nmay_name_users = true\n")).unwrap();
    world.program.restart().await;
    assert_eq!(world.profile("abc").await["id"], id);
    assert_eq!(permissions(&world, "abc", "storage").await.json()["userid"], id);
    assert_eq!(permissions(&world, "abc", "reports").await.json(), json!({"permissions": {}}), "it is lent");
    let session = session(&world, "abc").await.json();
    assert_eq!((&session["roleaccount"], &session["session"]), (&json!(false), &Value::Null));
    for answer in [&session, &world.profile("abc").await] {
        assert_eq!(answer["provider_id"], own_profile["provider_id"], "the identity that was used last");
    }

    let output = world.program.run(&["users", "disable", "--id", &id]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_nobody(&world, "abc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_the_id_of_a_user_is_no_user_in_the_mouth_of_a_handler() {
    let folder = PluginFolder::new();
    let mut world = with_handler(&folder, &["CODE=1"]).start().await;
    let ada = world.sign_in("google", "ada").await;
    let profile = world.profile(&ada).await;
    let id = profile["id"].as_str().unwrap();
    folder.add_variant(
        "keys",
        &[&super::HANDLER[..], &[&replies(&json!({"uid": id, "scopes": ["email"]}))]].concat(),
    );
    world.program.restart().await;
    let named = world.profile("abc").await;
    assert_eq!(named["id"], format!("keys:{id}"));
    assert_eq!(
        (&named["email"], &named["username"], &named["roleaccount"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_a_token_of_others_is_in_no_log() {
    let folder = PluginFolder::new();
    let world =
        with_handler(&folder, &["TELL"]).setting("LOG", "trace").setting("LOG_FORMAT", "json").start().await;
    let token = "hunter2-hunter2-hunter2";
    assert_nobody(&world, token).await;
    let logs = world.program.logs();
    assert!(logs.contains("no such key: (token)"), "{logs}");
    assert!(!logs.contains("hunter2"), "{logs}");
    assert!(!String::from_utf8_lossy(&world.written()).contains("hunter2"), "in the database");
}
