//! Who lends what, and for how long.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::{TestDatabase, on_both_databases};

use super::{ask_by_cookie, ask_by_user_token, pair, refresh, status, whole};
use crate::app::TestApp;
use crate::clients::{ApiClient as _, refusal};
use crate::own_tokens::bearer;

async fn permissions(app: &TestApp, token: &str, service: &str) -> Value {
    let address = format!("/auth/authorize?service={service}");
    bearer(app, token, Method::GET, &address, None).await.json()["permissions"].clone()
}

on_both_databases! {
    async fn a_fresh_cookie_makes_a_pair_that_is_whole_and_goes_on_after_the_session(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let made = whole(&ada).await;
        assert!(made.access.starts_with("vsta_") && made.refresh.starts_with("vstf_"));
        let answer = &made.answer;
        assert_eq!((&answer["token_type"], &answer["services"]), (&json!("Bearer"), &json!("*")));
        assert_eq!(answer["scope"], "email openid permissions profile");
        assert_eq!([&answer["expires_in"], &answer["expiry"], &answer["refresh_expires_in"]], [&json!(3_600), &json!(3_600), &json!(30 * 24 * 3_600)]);

        let check = bearer(&app, &made.access, Method::GET, "/auth/check", None).await.json();
        assert_eq!((&check["authenticated"], &check["profile"]["email"]), (&json!(true), &json!("ada.moreau@example.com")));
        assert!(check["profile"]["provider_id"].as_str().unwrap().starts_with("google:"));
        let session = bearer(&app, &made.access, Method::GET, "/auth/session", None).await.json();
        assert_eq!((&session["session"], &session["services"], &session["roleaccount"]), (&json!(null), &json!(["*"]), &json!(false)));
        assert_ne!(permissions(&app, &made.access, "storage").await, json!({}));

        let out = ada.request(Method::POST, "/auth/logout?session=cookie").header("sec-fetch-site", "same-origin");
        assert_eq!(ada.send(out).await.status, 200);
        assert_eq!(status(&app, &made.access).await, 200);
        let next = pair(&refresh(&app, &made.refresh, &[]).await);
        app.clock.advance(Duration::from_secs(3_601));
        assert_eq!([status(&app, &made.access).await, status(&app, &next.access).await], [401, 401], "an hour");
        let last = pair(&refresh(&app, &next.refresh, &[]).await);
        let user = app.sign_in("google", "ada").await;
        app.with_token(user).post("/auth/logout?all=true", &[]).await;
        assert_eq!(status(&app, &last.access).await, 401, "everywhere");
        assert_eq!(refusal(&refresh(&app, &last.refresh, &[]).await), (401, json!("token"), json!("invalid_token")));
    }

    async fn h19_what_a_user_token_lends_names_its_services_and_ends_with_its_session(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let token = app.sign_in("google", "ada").await;
        let named = [("client_name", "Laptop"), ("services", "storage")];
        for services in ["", "*"] {
            let fields = [("client_name", "Laptop"), ("services", services)];
            let refused = ask_by_user_token(&app, &token, &fields).await;
            assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{services:?}");
        }
        let made = pair(&ask_by_user_token(&app, &token, &named).await);
        assert_eq!(made.answer["services"], "storage");
        assert_ne!(permissions(&app, &made.access, "storage").await, json!({}));
        assert_eq!(permissions(&app, &made.access, "reports").await, json!({}), "another service");
        let other = app.sign_in("google", "ada").await;
        let beside = pair(&ask_by_user_token(&app, &other, &named).await);

        app.with_token(&token).post("/auth/logout", &[]).await;
        assert_eq!([status(&app, &made.access).await, status(&app, &beside.access).await], [401, 200]);
        assert_eq!(refusal(&refresh(&app, &made.refresh, &[]).await), (401, json!("token"), json!("invalid_token")));
        assert_eq!(refresh(&app, &beside.refresh, &[]).await.status, 200);
    }

    async fn h13_what_is_lent_becomes_less_at_once(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let made = whole(&ada).await;
        let list = ada.own(Method::GET, "/auth/grants", None).await.json();
        let grant = &list["grants"][0];
        assert_eq!([&grant["client_name"], &grant["client_id"], &grant["session_bound"]], [&json!("Phone"), &json!(null), &json!(false)]);
        assert_eq!((&grant["services"], &grant["expires_at"]), (&json!(["*"]), &json!("2027-01-01T12:00:00Z")));
        let one = format!("/auth/grants/{}", grant["id"].as_str().unwrap());

        assert_ne!(permissions(&app, &made.access, "storage").await, json!({}));
        let less = ada.own(Method::PATCH, &one, Some(json!({"services": ["reports"], "scopes": ["profile"]}))).await;
        assert_eq!((less.status.as_u16(), &less.json()["scopes"]), (200, &json!(["profile"])), "{}", less.body);
        assert_eq!(permissions(&app, &made.access, "storage").await, json!({}));
        let session = bearer(&app, &made.access, Method::GET, "/auth/session", None).await.json();
        assert_eq!([&session["services"], &session["scopes"], &session["email"]], [&json!(["reports"]), &json!(["profile"]), &json!(null)]);
        for more in [json!({"services": ["*"]}), json!({"scopes": ["email"]}), json!({"services": ["nowhere"]}), json!({"name": "x"})] {
            assert_eq!(refusal(&ada.own(Method::PATCH, &one, Some(more)).await), (400, json!("request"), json!("invalid_request")));
        }
        let next = pair(&refresh(&app, &made.refresh, &[]).await);
        assert_eq!((&next.answer["services"], &next.answer["scope"]), (&json!("reports"), &json!("profile")));
    }

    async fn h12_nobody_sees_or_ends_what_another_lent(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let (ada, linus) = (app.own_browser("ada").await, app.own_browser("linus").await);
        let made = whole(&ada).await;
        let one = format!("/auth/grants/{}", ada.own(Method::GET, "/auth/grants", None).await.json()["grants"][0]["id"].as_str().unwrap());
        assert_eq!(linus.own(Method::GET, "/auth/grants", None).await.json(), json!({"grants": [], "next_cursor": null}));
        for (method, body) in [(Method::PATCH, Some(json!({"scopes": []}))), (Method::DELETE, None)] {
            let refused = linus.own(method, &one, body).await;
            assert_eq!(refusal(&refused), (404, json!("request"), json!("not_found")));
        }
        assert_eq!(status(&app, &made.access).await, 200);
        let user = app.sign_in("google", "ada").await;
        assert_eq!(bearer(&app, &user, Method::DELETE, &one, None).await.status, 204, "a user token ends");
        assert_eq!(status(&app, &made.access).await, 401);
        assert_eq!(bearer(&app, &user, Method::DELETE, &one, None).await.status, 404);
    }

    async fn h9_an_access_token_makes_nothing_and_reads_no_grants(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let made = whole(&app.own_browser("ada").await).await;
        let again = ask_by_user_token(&app, &made.access, &[("client_name", "x"), ("services", "storage")]).await;
        assert_eq!(refusal(&again), (403, json!("scope"), json!("wrong_credential")));
        for (method, address, body) in [
            (Method::GET, "/auth/grants", None),
            (Method::PATCH, "/auth/grants/x", Some(json!({"scopes": []}))),
            (Method::DELETE, "/auth/grants/x", None),
            (Method::GET, "/auth/tokens", None),
            (Method::POST, "/auth/tokens", Some(json!({"name": "b"}))),
        ] {
            let refused = bearer(&app, &made.access, method.clone(), address, body).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("wrong_credential")), "{method} {address}");
        }
        let update = app.with_token(&made.access).post("/auth/update", &[("username", "ada")]).await;
        assert_eq!(update.json()["success"], false);
        assert_eq!(status(&app, &made.access).await, 200);
        assert_eq!(bearer(&app, &made.access, Method::DELETE, "/auth/tokens/current", None).await.status, 204);
        assert_eq!(status(&app, &made.access).await, 401);
        assert_eq!(refresh(&app, &made.refresh, &[]).await.status, 200, "the refresh token stays good");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g13_a_cookie_lends_after_a_fresh_sign_in_and_from_our_own_pages_alone() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let foreign = ada.request(Method::POST, "/auth/token").header("sec-fetch-site", "cross-site");
    let foreign = ada.send(foreign.form(&[("grant_type", "session"), ("client_name", "x")])).await;
    assert_eq!(refusal(&foreign), (403, json!("scope"), json!("cross_origin")));
    app.clock.advance(Duration::from_secs(15 * 60 + 1));
    let stale = ask_by_cookie(&ada, &[("client_name", "Phone")]).await;
    assert_eq!(refusal(&stale), (401, json!("token"), json!("session_not_fresh")));
    assert_eq!(
        ada.own(Method::GET, "/auth/grants", None).await.json(),
        json!({"grants": [], "next_cursor": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_lent_is_named_and_nothing_is_made() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    for (fields, named) in [
        (&[][..], "client_name"),
        (&[("client_name", "")], "client_name"),
        (&[("client_name", "a\nb")], "client_name"),
        (&[("client_name", "x"), ("services", "nowhere")], "nowhere"),
        (&[("client_name", "x"), ("services", "* storage")], "services"),
        (&[("client_name", "x"), ("scope", "a,b")], "scope"),
        (&[("client_name", "x"), ("scope", "introspect"), ("services", "storage")], "introspect"),
    ] {
        let refused = ask_by_cookie(&ada, fields).await;
        assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{named}");
        assert!(refused.json()["msg"].as_str().unwrap().contains(named), "{named}: {}", refused.body);
    }
    let (client, address) = (app.anonymous(), "/auth/token");
    assert_eq!(refusal(&client.post(address, &[]).await), (400, json!("request"), json!("invalid_request")));
    let password = client.post(address, &[("grant_type", "password")]).await;
    assert_eq!(refusal(&password), (400, json!("request"), json!("unsupported_grant_type")));
    let nobody = client.post(address, &[("grant_type", "session"), ("client_name", "x")]).await;
    assert_eq!(refusal(&nobody), (401, json!("request"), json!("not_signed_in")));
    assert_eq!(
        ada.own(Method::GET, "/auth/grants", None).await.json(),
        json!({"grants": [], "next_cursor": null})
    );
}
