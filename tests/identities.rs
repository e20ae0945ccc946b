//! What a provider states about a person, and what we make of it.

use std::net::TcpListener;
use std::sync::Arc;

use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use vestibule_provider_emulator::{Endpoint, Fault, Lasting, Persona, Provider};
use vestibule_test_support::{Client, Method, TestDatabase, assert_refusal_page};

use crate::callback::finish_all;
use crate::world::{APP, World, on_both_databases};

const VICTIM: &str = "victim@example.com";

/// Runs a command that must succeed; what it prints.
async fn command(world: &World, arguments: &[&str]) -> String {
    let output = world.program.run(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Somebody at GitHub with the victim's address in the public profile and this list of addresses.
fn at_github(number: u32, emails: Value) -> Persona {
    let mut persona = Persona::ordinary(&format!("attacker{number}"), "Mallory", number);
    persona.github.user["email"] = json!(VICTIM);
    persona.github.emails = emails;
    persona
}

/// Somebody whom both issuers tell these claims about, besides a subject.
fn with_claims(number: u32, changes: &Value) -> Persona {
    let mut persona = Persona::ordinary(&format!("person{number}"), "Mallory", number);
    for claims in [&mut persona.google, &mut persona.corporate] {
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
    }
    persona
}

async fn profile_of(world: &World, provider: &str, persona: Persona) -> Value {
    let id = persona.id.clone();
    world.control().put_persona(persona);
    world.profile(&world.sign_in(provider, &id).await).await
}

async fn victim(world: &World) -> Value {
    let profile = profile_of(world, "google", Persona::ordinary("victim", "Victim", 7)).await;
    assert_eq!(profile["email"], VICTIM);
    profile
}

on_both_databases! {
    async fn c1_an_address_that_github_did_not_verify_is_nobodys(database) {
        let world = World::on(database).await;
        let victim = victim(&world).await;
        let entry = |email: &str, primary: bool, verified: Value| json!({"email": email, "primary": primary, "verified": verified});
        for (number, (emails, email)) in (100..).zip([
            (json!([entry(VICTIM, true, json!(false))]), Value::Null),
            (json!([entry(VICTIM, true, json!("true"))]), Value::Null),
            (json!([entry(VICTIM, true, json!(1))]), Value::Null),
            (json!([{"email": VICTIM, "primary": true}]), Value::Null),
            (json!([]), Value::Null),
            (json!([null, 7, [], {}, "victim@example.com", {"verified": true}]), Value::Null),
            (
                json!([entry(VICTIM, true, json!(false)), entry("own@example.com", false, json!(true))]),
                Value::Null,
            ),
            (
                json!([entry(VICTIM, false, json!(true)), entry("own@example.com", true, json!(true))]),
                json!("own@example.com"),
            ),
        ]) {
            let profile = profile_of(&world, "github", at_github(number, emails)).await;
            assert_ne!(profile["id"], victim["id"], "{profile}");
            assert_eq!(profile["email"], email, "{profile}");
        }
    }

    async fn c2_only_true_verifies_an_address_as_a_boolean_or_a_text(database) {
        let world = World::on(database).await;
        let victim = victim(&world).await;
        for (number, stated) in (200..).zip([json!(false), json!("false"), json!("yes"), json!(1), Value::Null, json!([true])]) {
            let persona = with_claims(number, &json!({"email": VICTIM, "email_verified": stated}));
            for provider in ["google", "corporate"] {
                let profile = profile_of(&world, provider, persona.clone()).await;
                assert_ne!(profile["id"], victim["id"], "{provider} {profile}");
                assert_eq!(profile["email"], Value::Null, "{provider} {profile}");
            }
        }
        // Cognito and Apple write a text.
        let persona = with_claims(298, &json!({"email": VICTIM, "email_verified": "true"}));
        assert_eq!(profile_of(&world, "google", persona).await["id"], victim["id"]);
        let mut silent = with_claims(299, &json!({"email": VICTIM}));
        silent.google.as_object_mut().unwrap().remove("email_verified");
        let profile = profile_of(&world, "google", silent).await;
        assert!(profile["id"] != victim["id"] && profile["email"] == Value::Null, "{profile}");
    }

    /// Twenty browsers at once, none of which the service has ever seen.
    async fn c10_parallel_first_sign_ins_make_one_user(database) {
        let world = World::on(database).await;
        let mut callbacks = Vec::new();
        for _ in 0..20 {
            let browser = world.browser();
            let callback = world.reach_callback(&browser, "google", "ada", APP).await;
            callbacks.push((Arc::new(browser), callback));
        }
        assert_one_user(&world, callbacks).await;
    }

    /// The same, where nothing but the verified address says that it is one person.
    async fn c10_parallel_first_sign_ins_at_two_providers_make_one_user(database) {
        let world = World::on(database).await;
        let mut callbacks = Vec::new();
        for provider in ["google", "github"].repeat(10) {
            let browser = world.browser();
            let callback = world.reach_callback(&browser, provider, "ada", APP).await;
            callbacks.push((Arc::new(browser), callback));
        }
        assert_one_user(&world, callbacks).await;
    }

    async fn c9_a_hostile_profile_becomes_plain_text_or_nothing(database) {
        let world = World::on(database).await;
        let hostile = "A\u{202e}da\r\nSet-Cookie: x=y\0\u{200b}<script>alert(1)</script>";
        let cleaned = json!("AdaSet-Cookie: x=y<script>alert(1)</script>");
        for (number, (name, shown)) in (300..).zip([
            (json!(hostile), cleaned),
            (json!("x".repeat(20_000)), json!("x".repeat(200))),
            (json!("\u{1f600}".repeat(300)), json!("\u{1f600}".repeat(200))),
            (json!(7), Value::Null),
            (Value::Null, Value::Null),
            (json!(["x"]), Value::Null),
            (json!({"x": 1}), Value::Null),
            (json!(""), Value::Null),
            (json!(" \t\u{202e}\u{feff} "), Value::Null),
        ]) {
            let persona = with_claims(number, &json!({"name": name, "email": null, "email_verified": null}));
            let profile = profile_of(&world, "google", persona).await;
            assert_eq!(profile["name"], shown, "{name}");
        }
        for (number, picture) in (400..).zip([
            json!("javascript:alert(1)"),
            json!("JAVASCRIPT://example.com/%0aalert(1)"),
            json!("http://169.254.169.254/latest/meta-data"),
            json!("http://pictures.example.com/x.png"),
            json!("data:image/svg+xml,<svg onload=alert(1)>"),
            json!("//pictures.example.com/x.png"),
            json!("https://u:p@pictures.example.com/x.png"),
            json!(format!("https://pictures.example.com/{}", "x".repeat(5_000))),
            json!("file:///etc/passwd"),
            json!(7),
            Value::Null,
        ]) {
            let persona = with_claims(number, &json!({"picture": picture}));
            let profile = profile_of(&world, "google", persona).await;
            assert_eq!(profile["avatar_url"], Value::Null, "{picture}");
        }
    }

    /// Everything at GitHub but the number may be odd. Who has no name goes by the login.
    async fn c9_a_hostile_account_at_github_becomes_plain_text_or_nothing(database) {
        let world = World::on(database).await;
        let mut persona = Persona::ordinary("odd", "Odd", 500);
        persona.github.user = json!({
            "id": 500, "login": "o\u{202e}dd\0\r\n", "name": {"x": 1}, "email": ["x"], "avatar_url": "data:,x",
        });
        persona.github.emails = json!([{"email": "a@evil.com@example.com", "primary": true, "verified": true}]);
        let profile = profile_of(&world, "github", persona).await;
        let shown = (&profile["name"], &profile["email"], &profile["avatar_url"]);
        assert_eq!(shown, (&json!("odd"), &Value::Null, &Value::Null));

        let mut long = Persona::ordinary("long", "Long", 501);
        long.github.user["name"] = json!("x".repeat(1_000_000));
        long.github.user["login"] = json!("y".repeat(10_000));
        assert_eq!(profile_of(&world, "github", long).await["name"], json!("x".repeat(200)));

        let mut nameless = Persona::ordinary("nameless", "Nameless", 502);
        nameless.github.user = json!({"id": 502});
        assert_eq!(profile_of(&world, "github", nameless).await["name"], Value::Null);
    }

    /// A session keeps what the browser calls itself.
    async fn c9_no_user_agent_stops_a_sign_in(database) {
        let world = World::on(database).await;
        let long = "x".repeat(20_000);
        for agent in [long.as_bytes(), b"\xff\xfe\x80", "\u{202e}\u{1f600}".as_bytes(), b"", b"'; DROP TABLE users; --"] {
            let browser = world.browser();
            let callback = world.reach_callback(&browser, "google", "ada", APP).await;
            let agent = HeaderValue::from_bytes(agent).unwrap();
            let request = browser.request(Method::GET, callback.as_str()).header("user-agent", agent);
            let token = browser.send(request).await.location_parameter("jwt").unwrap();
            assert!(world.is_signed_in(&token).await);
        }
    }

    async fn c7_a_disabled_user_is_signed_out_and_cannot_come_back(database) {
        let world = World::on(database).await;
        let (token, other_token) = (world.sign_in("google", "ada").await, world.sign_in("github", "ada").await);
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        let bystander = world.sign_in("google", "linus").await;

        command(&world, &["users", "disable", &id]).await;
        for token in [&token, &other_token] {
            world.until_signed_out(token).await;
            let answer = world.get_as(token, "/auth/authorize?service=storage").await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"permissions": {}})));
        }
        for provider in ["google", "github", "corporate"] {
            assert_eq!(world.fail_to_sign_in(provider, "ada").await, "account_disabled", "{provider}");
        }
        assert!(world.is_signed_in(&bystander).await);

        command(&world, &["users", "enable", &id]).await;
        assert!(!world.is_signed_in(&token).await);
        assert_eq!(world.profile(&world.sign_in("google", "ada").await).await["id"], json!(id));
    }

    async fn a_deleted_user_comes_back_as_somebody_new(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        command(&world, &["users", "delete", &id]).await;
        world.until_signed_out(&token).await;
        assert_ne!(world.profile(&world.sign_in("google", "ada").await).await["id"], json!(id));
        assert!(!world.is_signed_in(&token).await);
    }

    /// For sites whose other databases hold the ids of dgp-oauth2.
    async fn with_email_md5_an_id_is_the_hash_of_the_verified_address(database) {
        let world = World::builder(database).setting("USER_ID_SCHEME", "email-md5").start().await;
        let ada = world.profile(&world.sign_in("google", "ada").await).await;
        assert_eq!(ada["id"], "58b7028e8b0039eb0585b83edd9966f3");
        // md5 of grace.lindqvist@example.net, which nobody has verified.
        let grace = world.profile(&world.sign_in("google", "grace").await).await;
        assert_ne!(grace["id"], "13f310b32da7b04058423fa4070a95d7");
        assert_eq!(grace["id"].as_str().unwrap().len(), 32);
    }
}

/// All callbacks sign in, as one user, who is new once.
async fn assert_one_user(world: &World, callbacks: Vec<(Arc<Client>, url::Url)>) {
    let count = callbacks.len();
    let mut ids = Vec::new();
    for answer in finish_all(callbacks).await {
        let token = answer.location_parameter("jwt").unwrap_or_else(|| panic!("{answer:?}"));
        ids.push(world.profile(&token).await["id"].clone());
    }
    assert_eq!(ids.len(), count);
    assert!(ids.iter().all(|id| id == &ids[0]), "{ids:?}");
    assert_eq!(command(world, &["users", "list"]).await.lines().count(), 1);
    let logs = world.program.logs();
    let noted =
        |words: &str| logs.lines().filter(|line| line.contains("plugin") && line.contains(words)).count();
    assert_eq!((noted("a new user"), noted("a user signed in")), (1, count));
}

/// GitHub hides the addresses from whoever lacks the scope; that is no reason to turn the person away.
#[tokio::test(flavor = "multi_thread")]
async fn c1_hidden_addresses_leave_a_person_without_one() {
    let world = World::on(TestDatabase::sqlite()).await;
    let victim = victim(&world).await;
    for (number, status) in [(600, 403), (601, 404)] {
        let hidden = Fault::status(status, "{\"message\":\"Resource not accessible\"}");
        world.control().inject(Provider::Github, Endpoint::Emails, hidden, Lasting::Once);
        let emails = json!([{"email": VICTIM, "primary": true, "verified": true}]);
        let profile = profile_of(&world, "github", at_github(number, emails)).await;
        assert!(profile["id"] != victim["id"] && profile["email"] == Value::Null, "{profile}");
    }
    let logs = world.program.logs();
    assert_eq!(
        logs.matches("a GitHub App needs the account permission \"Email addresses\"").count(),
        1,
        "{logs}"
    );
}

/// A list that is not one might hide the address of an account that is there: nobody is signed in on a guess.
#[tokio::test(flavor = "multi_thread")]
async fn c1_a_list_of_addresses_that_is_none_stops_the_sign_in() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (number, emails) in (610..).zip([json!({"message": "x"}), json!("x"), Value::Null, json!(7)]) {
        let persona = at_github(number, emails);
        let id = persona.id.clone();
        world.control().put_persona(persona);
        assert_eq!(world.fail_to_sign_in("github", &id).await, "temporarily_unavailable");
    }
}

/// Without an id that can be kept there is nobody to be.
#[tokio::test(flavor = "multi_thread")]
async fn c3_whoever_has_no_usable_subject_is_nobody() {
    let world = World::on(TestDatabase::sqlite()).await;
    let subjects = [
        json!(""),
        json!("a\0b"),
        json!("a\nb"),
        json!(7),
        Value::Null,
        json!(["1"]),
        json!("x".repeat(256)),
    ];
    for (number, subject) in (700..).zip(subjects) {
        let persona = with_claims(number, &json!({"sub": subject}));
        let id = persona.id.clone();
        world.control().put_persona(persona);
        assert_eq!(world.fail_to_sign_in("google", &id).await, "sign_in_failed", "{subject}");
    }
    for (number, user_id) in (800..).zip([json!("800"), json!(8.5), json!(-8), Value::Null, json!([8])]) {
        let mut persona = Persona::ordinary(&format!("github{number}"), "Odd", number);
        persona.github.user["id"] = user_id.clone();
        let id = persona.id.clone();
        world.control().put_persona(persona);
        assert_eq!(world.fail_to_sign_in("github", &id).await, "temporarily_unavailable", "{user_id}");
    }
    assert_eq!(command(&world, &["users", "list"]).await, "");
}

/// An ID token that large is none; a megabyte of name does no harm.
#[tokio::test(flavor = "multi_thread")]
async fn c9_a_megabyte_of_name_in_an_id_token_ends_the_sign_in_only() {
    let world = World::on(TestDatabase::sqlite()).await;
    let persona = with_claims(900, &json!({"name": "x".repeat(1_000_000)}));
    world.control().put_persona(persona);
    let error = world.fail_to_sign_in("google", "person900").await;
    assert!(["sign_in_failed", "temporarily_unavailable"].contains(&error.as_str()), "{error}");
    world.sign_in("google", "ada").await;
}

/// The browser shows the picture; the service never asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn c9_a_picture_is_never_fetched() {
    let world = World::on(TestDatabase::sqlite()).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let picture = format!("https://{}/picture.png", listener.local_addr().unwrap());
    let profile = profile_of(&world, "google", with_claims(901, &json!({"picture": picture}))).await;
    assert_eq!(profile["avatar_url"], picture);
    assert!(listener.accept().is_err());
}

/// A sign-in that is under way when the operator removes its provider ends on a page.
#[tokio::test(flavor = "multi_thread")]
async fn c7_a_removed_provider_signs_nobody_in() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "corporate", "ada", APP).await;
    let file = world.program.directory().join("vestibule.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (rest, _) = text.split_once("[providers.corporate]").unwrap();
    std::fs::write(&file, rest).unwrap();
    world.program.restart().await;

    let answer = browser.get(callback.as_str()).await;
    assert_refusal_page(&answer, "This way to sign in is not offered any more");
    assert_eq!(world.control().token_exchanges(Provider::Corporate).attempted, 0);
    assert!(browser.get("/auth/check").await.json()["providers"].get("corporate").is_none());
    assert_eq!(browser.get("/auth/login/corporate").await.status, 404);
}
