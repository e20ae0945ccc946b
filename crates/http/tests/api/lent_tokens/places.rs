//! Where a token may stand, and what stands in its place.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use vestibule_domain::{Rate, SystemRandom};
use vestibule_test_support::{Answer, TestDatabase};
use vestibule_tokens::{OpaqueKind, OpaqueSecret};

use super::{is_signed_in, personal, role};
use crate::app::TestApp;
use crate::clients::ApiClient as _;

async fn with_header(app: &TestApp, name: &str, value: &str) -> Answer {
    let anonymous = app.anonymous();
    anonymous.send(anonymous.request(Method::GET, "/auth/check").header(name, value)).await
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_a_bearer_or_the_password_of_basic_or_in_the_header_of_its_own() {
    let app = TestApp::new().await;
    for lent in [personal(&app, "ada", "*", "profile").await, role(&app, "backup", "*", "profile").await] {
        for (name, value) in [
            ("Authorization", format!("Bearer {}", lent.text)),
            ("Authorization", basic("x", &lent.text)),
            ("Authorization", basic("", &lent.text)),
            ("Auth-Token", lent.text.clone()),
        ] {
            let answer = with_header(&app, name, &value).await.json();
            assert_eq!(answer["profile"]["id"], lent.user.as_str(), "{name}");
        }
        let as_username = with_header(&app, "Authorization", &basic(&lent.text, "x")).await.json();
        assert_eq!(as_username["authenticated"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h16_a_token_in_an_address_or_a_form_counts_for_nothing() {
    let app = TestApp::with_plugins().await;
    let lent = personal(&app, "ada", "*", "profile permissions").await;
    let anonymous = app.anonymous();
    for address in ["/auth/check?jwt=", "/auth/authorize?service=storage&jwt=", "/auth/session?jwt="] {
        let answer = anonymous.get(&format!("{address}{}", lent.text)).await;
        assert!(answer.json().get("token").is_none() && answer.json()["authenticated"] != true, "{address}");
        assert!(!answer.body.contains(&lent.text) && !answer.body.contains(lent.user.as_str()));
    }
    let both = format!("/auth/check?jwt={}", lent.text);
    let answer = app.with_token(&lent.text).get(&both).await.json();
    assert_eq!(answer["authenticated"], false, "also where it stands in its place as well");
    let form = [("username", "ada"), ("jwt", lent.text.as_str())];
    assert_eq!(anonymous.post("/auth/update", &form).await.json()["success"], false);
    assert!(is_signed_in(&app, &lent).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_no_secret_stands_where_one_of_another_kind_belongs() {
    let app = TestApp::new().await;
    let lent = personal(&app, "ada", "*", "profile").await;
    for kind in OpaqueKind::ALL {
        let secret = OpaqueSecret::generate(kind, &SystemRandom);
        let answer = app.with_token(secret.text().expose_secret()).get("/auth/check").await.json();
        assert_eq!(answer["authenticated"], false, "{kind:?}");
    }
    let renamed = lent.text.replacen('p', "r", 1);
    assert_eq!(app.with_token(renamed).get("/auth/check").await.json()["authenticated"], false);
    let session =
        app.with_token(OpaqueSecret::generate(OpaqueKind::RoleToken, &SystemRandom).text().expose_secret());
    assert_eq!(session.get("/auth/session").await.status.as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn h10_unknown_tokens_are_bounded_by_their_address_and_known_ones_go_on() {
    let rate = Rate::new(2, Duration::from_secs(3600)).unwrap();
    let builder = TestApp::builder(TestDatabase::sqlite());
    let app = builder.flows(|flows| flows.token_rates.failure_per_address = Some(rate)).build().await;
    let known = personal(&app, "ada", "*", "profile").await;
    let cold = personal(&app, "ada", "*", "profile").await;
    for _ in 0..5 {
        assert!(is_signed_in(&app, &known).await, "what is found is not counted");
    }
    let unknown =
        || OpaqueSecret::generate(OpaqueKind::PersonalToken, &SystemRandom).text().expose_secret().to_owned();
    let damaged = format!("{}0", known.text.get(..42).unwrap());
    for _ in 0..5 {
        let answer = app.with_token(damaged.as_str()).get("/auth/check").await;
        assert_eq!(answer.status.as_u16(), 200, "a wrong checksum asks nothing of the database");
    }
    for expected in [200, 200, 429, 429] {
        assert_eq!(app.with_token(unknown()).get("/auth/check").await.status.as_u16(), expected);
    }
    assert!(is_signed_in(&app, &known).await, "it is in memory");
    let waits = app.with_token(cold.text.as_str()).get("/auth/check").await;
    assert_eq!(waits.status.as_u16(), 429);
    assert!(waits.headers.contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_the_uses_of_one_token_are_bounded() {
    let rate = Rate::new(3, Duration::from_secs(3600)).unwrap();
    let builder = TestApp::builder(TestDatabase::sqlite());
    let app = builder.flows(|flows| flows.token_rates.per_credential = Some(rate)).build().await;
    let (lent, other) =
        (personal(&app, "ada", "*", "profile").await, personal(&app, "ada", "*", "profile").await);
    for expected in [200, 200, 200, 429] {
        assert_eq!(app.with_token(lent.text.as_str()).get("/auth/check").await.status.as_u16(), expected);
    }
    assert!(is_signed_in(&app, &other).await);
}
