//! Choosing a username, once, and finding people by it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::UserIdScheme;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::{Answer, on_both_databases};

use crate::app::TestApp;
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

const FORM: &str =
    "a username has 2 to 32 letters, digits, hyphens or underscores, and starts with a letter or digit";
const RESERVED: &str = "this username is reserved";
const TAKEN: &str = "this username is taken";
const ALREADY_SET: &str = "the username is already set and cannot be changed";

fn done() -> Value {
    json!({"success": true})
}

fn refused(reason: &str) -> Value {
    json!({"success": false, "error": reason})
}

/// POST of a body that is already encoded.
async fn update_encoded(app: &TestApp, token: &str, body: &str) -> Answer {
    let user = app.with_token(token);
    let request = user.request(Method::POST, "/auth/update");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    user.send(request.body(body.to_owned())).await
}

async fn choose(app: &TestApp, token: &str, username: &str) -> Value {
    let answer = app.with_token(token).post("/auth/update", &[("username", username)]).await;
    assert_eq!(answer.status, 200, "{username:?}: {}", answer.body);
    answer.json()
}

async fn resolve(app: &TestApp, encoded_username: &str) -> Value {
    let answer = app.anonymous().get(&format!("/auth/resolve?username={encoded_username}")).await;
    assert_eq!(answer.status, 200, "{encoded_username}: {}", answer.body);
    answer.json()["userid"].clone()
}

on_both_databases! {
    /// The contract's word: once.
    async fn f1_a_username_can_be_chosen_once(database) {
        let app = TestApp::on(database).await;
        let token = app.sign_in("google", "ada").await;
        let id = app.profile(&token).await["id"].clone();
        assert_eq!(choose(&app, &token, "Ada").await, done());
        assert_eq!(app.profile(&token).await["username"], "ada");
        for again in ["ada", "ADA", "Ada", "grace"] {
            assert_eq!(choose(&app, &token, again).await, refused(ALREADY_SET), "{again}");
        }
        assert_eq!(app.profile(&token).await["username"], "ada");
        assert_eq!(resolve(&app, "ada").await, id);
        assert_eq!(resolve(&app, "grace").await, Value::Null);
    }

    /// Unique without regard to case.
    async fn f1_the_name_of_somebody_else_is_taken_in_any_case(database) {
        let app = TestApp::on(database).await;
        let (ada, linus) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
        assert_eq!(choose(&app, &ada, "moreau").await, done());
        for taken in ["moreau", "Moreau", "MOREAU"] {
            assert_eq!(choose(&app, &linus, taken).await, refused(TAKEN), "{taken}");
        }
        assert_eq!(choose(&app, &linus, "moreau_").await, done(), "who was refused may choose again");
    }

    /// Nobody chooses who is not signed in.
    async fn f1_without_a_good_token_nothing_is_set(database) {
        let app = TestApp::on(database).await;
        let token = app.sign_in("google", "ada").await;
        let nobody = app.anonymous();
        let not_signed_in = refused("not signed in");
        assert_eq!(nobody.post("/auth/update", &[("username", "ada")]).await.json(), not_signed_in);
        assert_eq!(nobody.post("/auth/update?username=ada&jwt=", &[]).await.json(), not_signed_in);
        assert_eq!(choose(&app, "not.a.token", "ada").await, not_signed_in);
        app.clock.advance(Duration::from_secs(14 * 24 * 3600 + 61));
        assert_eq!(choose(&app, &token, "ada").await, not_signed_in, "the token has expired");
        assert_eq!(resolve(&app, "ada").await, Value::Null);
    }

    /// Letters that look alike, fall together when their case changes, hide or turn text around.
    async fn f3_f4_letters_outside_ascii_are_refused(database) {
        let app = TestApp::on(database).await;
        let token = app.sign_in("google", "ada").await;
        for odd in [
            "\u{1d2e}\u{1d35}\u{1d33}\u{1d2e}\u{1d35}\u{1d3f}\u{1d30}", "stra\u{df}e", "\u{130}stanbul",
            "d\u{131}stanbul", "\u{212a}elvin", "\u{ff41}\u{ff44}\u{ff41}", "caf\u{e9}", "cafe\u{301}",
            "\u{430}da", "ad\u{200b}a", "\u{202e}ada", "a\u{304}da", "ada\u{e0061}",
            "\u{1f469}\u{200d}\u{1f4bb}", "\u{feff}ada", "ad\u{ad}a",
        ] {
            assert_eq!(choose(&app, &token, odd).await, refused(FORM), "{odd:?}");
            let encoded: String = url::form_urlencoded::byte_serialize(odd.as_bytes()).collect();
            assert_eq!(resolve(&app, &encoded).await, Value::Null, "{odd:?}");
        }
        assert!(app.profile(&token).await.get("username").is_none());
    }

    /// PostgreSQL refuses a NUL and SQLite does not; neither ever sees one.
    async fn f5_odd_and_reserved_names_are_refused_alike(database) {
        let app = TestApp::on(database).await;
        let token = app.sign_in("google", "ada").await;
        let long = "a".repeat(1000);
        let too_long = "a".repeat(33);
        for odd in [
            "", "a", "-", "-a", "_a", "..", ".", ".well-known", "a.b", "a%00b", "%00", "%FF", "a%FFb", "%ED%A0%80",
            "%C0%AF", "%zz", "a%20b", "+ada", "ada%0A", "%1B%5B31mada", "ada%0D%0AX-A:%20b", "a/b", "a%5Cb", "a@b",
            "%27%3B+DROP+TABLE+users%3B--", "%3Cscript%3E", "%25s", "null%00", &long, &too_long,
        ] {
            let answer = update_encoded(&app, &token, &format!("username={odd}")).await;
            assert_eq!(answer.status, 200, "{odd:?}: {}", answer.body);
            assert_eq!(answer.json(), refused(FORM), "{odd:?}");
            assert_eq!(resolve(&app, odd).await, Value::Null, "{odd:?}");
        }
        for reserved in ["admin", "ROOT", "Auth", "api", "null", "me", "system", "support", "undefined", "www", "admins", "Administrators",
            "support1", "root-2", "4dm1n"] {
            assert_eq!(choose(&app, &token, reserved).await, refused(RESERVED), "{reserved}");
        }
        assert!(app.profile(&token).await.get("username").is_none());
    }

    /// With ids that are made from addresses a stranger could compute that of somebody who has not come yet.
    async fn f5_the_id_of_anybody_by_any_scheme_is_no_username(database) {
        let app = TestApp::builder(database).flows(|flows| flows.user_id_scheme = UserIdScheme::EmailMd5).build().await;
        let boss = app.sign_in("google", "ada").await;
        let id = app.profile(&boss).await["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 32, "{id}");
        let stranger = app.sign_in("google", "linus").await;
        let (capitals, half) = (id.to_ascii_uppercase(), &id[..16]);
        let hyphens = format!("{}-{}_{}", &id[..8], &id[8..12], &id[12..30]);
        for name in [id.as_str(), &capitals, half, &hyphens, "0123456789abcdef0123456789abcdef"] {
            assert_eq!(choose(&app, &stranger, name).await, refused(RESERVED), "{name}");
            assert_eq!(resolve(&app, name).await, Value::Null, "{name}");
        }
        assert_eq!(choose(&app, &stranger, "facade-decade").await, done(), "a name is no id");
        assert_eq!(resolve(&app, "facade-decade").await, app.profile(&stranger).await["id"]);
    }

    /// What is within the rules is taken, in lower case.
    async fn f5_every_name_within_the_rules_is_taken(database) {
        let app = TestApp::on(database).await;
        let longest = "Z".repeat(32);
        let names = ["ab", "9_", "A-b_9", "x--", longest.as_str()];
        for (number, name) in (1..).zip(names) {
            let id = format!("person-{number}");
            app.control().put_persona(Persona::ordinary(&id, &id, number));
            let token = app.sign_in("google", &id).await;
            assert_eq!(choose(&app, &token, name).await, done(), "{name}");
            assert_eq!(app.profile(&token).await["username"], name.to_ascii_lowercase());
        }
    }

    /// Mass assignment: nothing but the username can be set from here.
    async fn f6_other_fields_are_ignored(database) {
        let app = TestApp::on(database).await;
        let (ada, linus) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
        let before = app.profile(&ada).await;
        let victim = app.profile(&linus).await;
        let id = victim["id"].as_str().unwrap();
        let fields = [
            ("email", "linus.aaltonen@example.org"), ("id", id), ("userid", id), ("user_id", id), ("idhash", id),
            ("role", "admin"), ("name", "Root"), ("provider_id", "google:1"), ("avatar_url", "https://x.example/"),
            ("join_date", "1970-01-01T00:00:00Z"), ("attributes", "{}"), ("disabled_at", "1"),
        ];
        assert_eq!(app.with_token(&ada).post("/auth/update", &fields).await.json(), done());
        let query = format!("/auth/update?email=x@y.example&id={id}&role=admin");
        assert_eq!(app.with_token(&ada).post(&query, &[]).await.json(), done());
        assert_eq!(app.profile(&ada).await, before);
        let mut with_name = fields.to_vec();
        with_name.push(("username", "ada"));
        assert_eq!(app.with_token(&ada).post("/auth/update", &with_name).await.json(), done());
        let mut expected = before.clone();
        expected["username"] = json!("ada");
        assert_eq!(app.profile(&ada).await, expected);
        assert_eq!(app.profile(&linus).await, victim);
    }

    /// In any case, by anybody, and without the address.
    async fn people_are_found_by_username_in_any_case(database) {
        let app = TestApp::on(database).await;
        let mut persona = Persona::ordinary("mixed", "Mixed Case", 77);
        persona.google["email"] = json!(" Mixed.Case@Example.COM ");
        app.control().put_persona(persona);
        let token = app.sign_in("google", "mixed").await;
        assert_eq!(choose(&app, &token, "MiXeD-Case").await, done());
        let profile = app.profile(&token).await;
        for spelling in ["mixed-case", "MIXED-CASE", "Mixed-Case"] {
            assert_eq!(resolve(&app, spelling).await, profile["id"]);
            let found = app.anonymous().get(&format!("/auth/get_profile?username={spelling}")).await.json();
            assert_eq!(found, json!({"found": true, "profile": {
                "id": profile["id"],
                "name": "Mixed Case",
                "join_date": profile["join_date"],
                "avatar_url": profile["avatar_url"],
                "gravatar": "7a126a993c9ece5663288f1e48a453a6b4b12656af38d84103cb6beb8a5862b9",
            }}), "{spelling}");
        }
    }

    /// It is the person's, not the provider's.
    async fn a_username_stays_over_later_sign_ins(database) {
        let app = TestApp::on(database).await;
        let token = app.sign_in("google", "renamed").await;
        assert_eq!(choose(&app, &token, "robin").await, done());
        let before = app.profile(&token).await;
        let mut names = vec![before["name"].clone()];
        for provider in ["google", "github", "google"] {
            let profile = app.profile(&app.sign_in(provider, "renamed").await).await;
            assert_eq!(profile["username"], "robin", "{provider}");
            assert_eq!(profile["id"], before["id"], "{provider}");
            names.push(profile["name"].clone());
        }
        names.dedup();
        assert!(names.len() > 1, "the name is refreshed meanwhile: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_get_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let answer = app.with_token(&token).get("/auth/update?username=ada").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
    assert_eq!(answer.json()["error"], "method_not_allowed");
    assert!(app.profile(&token).await.get("username").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_a_username_that_is_given_twice_is_refused() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    for (query, body) in [
        ("?username=one", "username=two"),
        ("?username=one&username=two", ""),
        ("?username=one&username=one", ""),
        ("", "username=one&username=two"),
        ("", "username=one&username=one"),
        ("?username=one&user%6eame=two", ""),
    ] {
        let user = app.with_token(&token);
        let request = user.request(Method::POST, &format!("/auth/update{query}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = user.send(request.body(body)).await;
        assert_eq!(answer.status, 400, "{query} {body}: {}", answer.body);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    assert!(app.profile(&token).await.get("username").is_none());
    let both = app.with_token(&token).post("/auth/update?username=same", &[("username", "same")]).await;
    assert_eq!(both.json(), done(), "the same in both places is one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_a_username_is_a_success() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    for fields in [&[][..], &[("email", "a@b.example")], &[("colour", "blue"), ("jwt", "")]] {
        assert_eq!(app.with_token(&token).post("/auth/update", fields).await.json(), done(), "{fields:?}");
    }
    let by_query = app.anonymous().post(&format!("/auth/update?jwt={token}&email=x"), &[]).await;
    assert_eq!(by_query.json(), done());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_found_under_a_name_that_nobody_has() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for query in ["?username=nobody-here", "?username=admin", "?username=", "", "?user=ada"] {
        let resolved = browser.get(&format!("/auth/resolve{query}")).await;
        assert_eq!((resolved.status.as_u16(), resolved.json()), (200, json!({"userid": null})), "{query}");
        let found = browser.get(&format!("/auth/get_profile{query}")).await;
        assert_eq!(
            (found.status.as_u16(), found.json()),
            (200, json!({"found": false, "profile": null})),
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_verified_address_has_no_gravatar() {
    let app = TestApp::new().await;
    for (provider, name) in [("google", "grace-g"), ("github", "grace-h")] {
        let token = app.sign_in(provider, "grace").await;
        assert_eq!(choose(&app, &token, name).await, done());
        let found = app.anonymous().get(&format!("/auth/get_profile?username={name}")).await.json();
        assert_eq!(found["found"], true);
        assert_eq!(found["profile"]["gravatar"], Value::Null, "{provider}");
        assert!(!found.to_string().contains('@'), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_a_username_and_is_found_by_it() {
    let app = TestApp::new().await;
    let ada = app.signed_in("ada").await;
    assert_answer!("username_chosen", ada.post("/auth/update", &[("username", "Ada")]).await);
    assert_answer!("username_taken", ada.post("/auth/update", &[("username", "grace")]).await);
    assert_answer!("username_resolved", app.anonymous().get("/auth/resolve?username=ada").await);
    assert_answer!("profile_found", app.anonymous().get("/auth/get_profile?username=ada").await);
    assert_answer!("method_refused", ada.get("/auth/update?username=ada").await);
}
