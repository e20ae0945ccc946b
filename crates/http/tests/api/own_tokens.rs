//! The tokens that people make for their programs, over HTTP.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::{Answer, TestDatabase, on_both_databases};

use crate::app::TestApp;
use crate::clients::{ApiClient as _, Browser, refusal, with_json};

/// A request with a bearer token.
pub(crate) async fn bearer(
    app: &TestApp,
    token: &str,
    method: Method,
    address: &str,
    body: Option<Value>,
) -> Answer {
    app.with_token(token).ask(method, address, body).await
}

async fn make(browser: &Browser<'_>, body: Value) -> (String, String) {
    let made = browser.own(Method::POST, "/auth/tokens", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

async fn permissions(app: &TestApp, token: &str) -> Value {
    bearer(app, token, Method::GET, "/auth/authorize?service=storage", None).await.json()["permissions"]
        .clone()
}

on_both_databases! {
    async fn a_person_makes_a_token_uses_it_narrows_it_replaces_it_and_ends_it(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let asked = json!({"name": "nightly build", "services": ["storage"], "scopes": ["profile", "permissions"],
            "metadata": {"ticket": "OPS-17"}, "expires_in": "30d"});
        let made = ada.own(Method::POST, "/auth/tokens", Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
        assert!(text.starts_with("vstp_") && text.ends_with(made["hint"].as_str().unwrap()));
        assert_eq!((&made["kind"], &made["name"]), (&json!("personal"), &json!("nightly build")));
        assert_eq!(made["expires_at"], "2026-01-31T12:00:00Z");
        assert_ne!(permissions(&app, text).await, json!({}));

        let list = ada.own(Method::GET, "/auth/tokens", None).await.json();
        assert_eq!((&list["tokens"][0]["id"], &list["next_cursor"]), (&json!(id), &json!(null)));
        assert!(list["tokens"][0].get("token").is_none(), "the text is shown once");

        let address = format!("/auth/tokens/{id}");
        let narrowed = ada.own(Method::PATCH, &address, Some(json!({"scopes": ["profile"], "name": "less"}))).await;
        assert_eq!((&narrowed.json()["scopes"], &narrowed.json()["name"]), (&json!(["profile"]), &json!("less")));
        assert_eq!(permissions(&app, text).await, json!({}));
        for more in [json!({"scopes": ["read"]}), json!({"services": ["*"]}), json!({"expires_in": "90d"})] {
            let refused = ada.own(Method::PATCH, &address, Some(more)).await;
            assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")));
        }

        let rotate = format!("{address}/rotate");
        let next = ada.own(Method::POST, &rotate, Some(json!({"overlap": "1h"}))).await;
        assert_eq!((next.status.as_u16(), &next.json()["scopes"]), (201, &json!(["profile"])));
        let again = ada.own(Method::POST, &rotate, Some(json!({}))).await;
        assert_eq!(refusal(&again), (409, json!("request"), json!("already_rotated")));
        let read = async |token: &str| bearer(&app, token, Method::GET, "/auth/session", None).await.status.as_u16();
        let successor = next.json()["token"].as_str().unwrap().to_owned();
        assert_eq!([read(text).await, read(&successor).await], [200, 200], "both, for an hour");
        app.clock.advance(Duration::from_secs(3_601));
        assert_eq!([read(text).await, read(&successor).await], [401, 200]);

        let ended = ada.own(Method::DELETE, &format!("/auth/tokens/{}", next.json()["id"].as_str().unwrap()), None).await;
        assert_eq!((ended.status.as_u16(), ended.body.as_str()), (204, ""));
        assert_eq!(read(&successor).await, 401, "dead at once");
    }

    async fn h19_a_user_token_reads_narrows_and_ends_and_makes_nothing(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let (id, _) = make(&ada, json!({"name": "a", "services": ["storage"], "scopes": ["read"]})).await;
        let token = app.sign_in("google", "ada").await;
        let ask = async |method, address: &str, body| bearer(&app, &token, method, address, body).await;
        assert_eq!(ask(Method::GET, "/auth/tokens", None).await.json()["tokens"][0]["id"], json!(id));
        let (one, rotate) = (format!("/auth/tokens/{id}"), format!("/auth/tokens/{id}/rotate"));
        for (address, body) in [("/auth/tokens", json!({"name": "b"})), (rotate.as_str(), json!({}))] {
            let refused = ask(Method::POST, address, Some(body)).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("wrong_credential")), "{address}");
        }
        assert_eq!(ask(Method::PATCH, &one, Some(json!({"scopes": []}))).await.status, 200);
        assert_eq!(ask(Method::DELETE, &one, None).await.status, 204);
        assert_eq!(ask(Method::DELETE, &one, None).await.status, 404);
    }

    async fn h9_a_token_makes_reads_and_changes_no_token_and_ends_itself(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let all = json!({"name": "a", "services": ["*"], "scopes": ["profile", "permissions"]});
        let (id, token) = make(&ada, all).await;
        let one = format!("/auth/tokens/{id}");
        for (method, address, body) in [
            (Method::GET, "/auth/tokens", None),
            (Method::POST, "/auth/tokens", Some(json!({"name": "b"}))),
            (Method::DELETE, "/auth/tokens", None),
            (Method::PATCH, one.as_str(), Some(json!({"name": "b"}))),
            (Method::DELETE, one.as_str(), None),
        ] {
            let refused = bearer(&app, &token, method.clone(), address, body).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("wrong_credential")), "{method} {address}");
        }
        assert_eq!(bearer(&app, &token, Method::DELETE, "/auth/tokens/current", None).await.status, 204);
        let dead = bearer(&app, &token, Method::DELETE, "/auth/tokens/current", None).await;
        assert_eq!(refusal(&dead), (401, json!("token"), json!("invalid_token")));
        let user = app.sign_in("google", "ada").await;
        let refused = bearer(&app, &user, Method::DELETE, "/auth/tokens/current", None).await;
        assert_eq!(refused.status, 403, "a user token ends by a sign-out");
    }

    async fn h12_nobody_sees_or_ends_the_token_of_another(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let (ada, linus) = (app.own_browser("ada").await, app.own_browser("linus").await);
        let (id, token) = make(&ada, json!({"name": "a", "scopes": ["profile"]})).await;
        assert_eq!(linus.own(Method::GET, "/auth/tokens", None).await.json()["tokens"], json!([]));
        for (method, address, body) in [
            (Method::DELETE, format!("/auth/tokens/{id}"), None),
            (Method::PATCH, format!("/auth/tokens/{id}"), Some(json!({"name": "mine"}))),
            (Method::POST, format!("/auth/tokens/{id}/rotate"), Some(json!({}))),
            (Method::DELETE, "/auth/tokens/%20".to_owned(), None),
        ] {
            let refused = linus.own(method, &address, body).await;
            assert_eq!(refusal(&refused), (404, json!("request"), json!("not_found")), "{address}");
        }
        linus.own(Method::DELETE, "/auth/tokens", None).await;
        assert_eq!(bearer(&app, &token, Method::GET, "/auth/session", None).await.status, 200);
        assert_eq!(ada.own(Method::DELETE, "/auth/tokens", None).await.status, 204);
        assert_eq!(bearer(&app, &token, Method::GET, "/auth/session", None).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g13_making_a_token_needs_a_fresh_sign_in_and_reading_does_not() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let (id, _) = make(&ada, json!({"name": "a"})).await;
    app.clock.advance(Duration::from_secs(15 * 60 + 1));
    for (address, body) in
        [("/auth/tokens".to_owned(), json!({"name": "b"})), (format!("/auth/tokens/{id}/rotate"), json!({}))]
    {
        let refused = ada.own(Method::POST, &address, Some(body)).await;
        assert_eq!(refusal(&refused), (401, json!("token"), json!("session_not_fresh")));
    }
    assert_eq!(ada.own(Method::GET, "/auth/tokens", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_another_site_makes_and_ends_no_token() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    make(&ada, json!({"name": "a"})).await;
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
        &[],
    ] {
        for (method, body) in [(Method::POST, Some(json!({"name": "b"}))), (Method::DELETE, None)] {
            let request = with_json(ada.request(method, "/auth/tokens"), body);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            assert_eq!(
                refusal(&ada.send(request).await),
                (403, json!("scope"), json!("cross_origin")),
                "{headers:?}"
            );
        }
    }
    let read = ada.request(Method::GET, "/auth/tokens").header("sec-fetch-site", "cross-site");
    assert_eq!(ada.send(read).await.status, 401, "as nobody");
    assert_eq!(
        ada.own(Method::GET, "/auth/tokens", None).await.json()["tokens"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_named_and_nothing_is_made() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    for (body, named) in [
        (json!({}), "name"),
        (json!({"name": "a", "services": ["nowhere"]}), "nowhere"),
        (json!({"name": "a", "services": ["vestibule"]}), "vestibule"),
        (json!({"name": "a", "scopes": ["introspect"], "services": ["storage"]}), "introspect"),
        (json!({"name": "a", "expires_in": "367d"}), "may live"),
        (json!({"name": "a", "expires_in": null}), "end"),
        (json!({"name": "a", "scope": "read"}), "scope"),
    ] {
        let refused = ada.own(Method::POST, "/auth/tokens", Some(body)).await;
        assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{named}");
        assert!(refused.json()["msg"].as_str().unwrap().contains(named), "{named}: {}", refused.body);
    }
    assert_eq!(ada.own(Method::GET, "/auth/tokens", None).await.json()["tokens"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_a_page_ended_and_other_sessions_end_where_that_is_asked() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let (ada, elsewhere) = (app.own_browser("ada").await, app.own_browser("ada").await);
    for number in 0..5 {
        make(&ada, json!({"name": format!("t{number}")})).await;
        app.clock.advance(Duration::from_secs(1));
    }
    let (mut names, mut address) = (Vec::new(), "/auth/tokens?limit=2".to_owned());
    loop {
        let page = ada.own(Method::GET, &address, None).await.json();
        names.extend(
            page["tokens"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        address = format!("/auth/tokens?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["t4", "t3", "t2", "t1", "t0"]);
    let token = app.sign_in("google", "ada").await;
    make(&ada, json!({"name": "last", "end_other_sessions": true})).await;
    assert_eq!(elsewhere.own(Method::GET, "/auth/session", None).await.status, 401);
    assert!(!app.is_signed_in(&token).await);
    assert_eq!(ada.own(Method::GET, "/auth/session", None).await.status, 200);
}
