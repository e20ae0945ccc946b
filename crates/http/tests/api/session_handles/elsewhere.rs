//! A handle where it does not belong, and other texts where a handle does.

use reqwest::Method;
use serde_json::json;
use vestibule_test_support::{TestDatabase, on_both_databases};

use super::{apps, ask, handle, not_signed_in, patch, read, refusal, send, stage};
use crate::app::{FRONTEND, TestApp};
use crate::clients::ApiClient as _;

on_both_databases! {
    async fn d6_a_handle_is_nobody_where_clients_of_old_ask_and_changes_nothing(database) {
        let app = TestApp::builder(database).plugins().flows(|flows| flows.apps = apps()).build().await;
        let token = app.sign_in("google", "ada").await;
        let handle = handle(&app.flows, &token, "wiki").await;
        let get = async |address: &str| ask(&app, &handle, Method::GET, address, None).await;
        assert_eq!(get("/auth/check").await.json()["authenticated"], false);
        assert_eq!(get("/auth/authorize?service=storage").await.json(), json!({"permissions": {}}));
        let client = app.with_token(&handle);
        assert_eq!(client.post("/auth/update", &[("username", "ada")]).await.json()["success"], false);
        for fields in [&[][..], &[("all", "true")]] {
            assert_eq!(client.post("/auth/logout", fields).await.json(), json!({"success": true}));
        }
        let profile = app.profile(&token).await;
        assert_eq!(profile.get("username"), None, "the session goes on, and nothing was changed: {profile}");
        assert_eq!(read(&app, &handle).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_at_every_other_route_a_handle_is_the_wrong_credential() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    let handle = handle(&app.flows, &token, "wiki").await;
    let body = || Some(json!({"name": "x", "scopes": ["profile"], "services": ["*"]}));
    for (method, address, body) in [
        (Method::GET, "/auth/tokens", None),
        (Method::POST, "/auth/tokens", body()),
        (Method::DELETE, "/auth/tokens", None),
        (Method::DELETE, "/auth/tokens/current", None),
        (Method::DELETE, "/auth/tokens/x", None),
        (Method::PATCH, "/auth/tokens/x", body()),
        (Method::POST, "/auth/tokens/x/rotate", Some(json!({}))),
    ] {
        let answer = ask(&app, &handle, method.clone(), address, body).await;
        assert_eq!(refusal(&answer), (403, json!("wrong_credential")), "{method} {address}");
    }
    let page = app.with_token(&handle).get("/sign-in").await;
    assert!(!page.body.contains("Ada"), "a page knows nobody by it: {}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_handle_counts_as_a_bearer_alone() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    let handle = handle(&app.flows, &token, "wiki").await;
    let client = app.anonymous();
    let in_query = format!("/auth/session?jwt={handle}");
    let with =
        |name: &'static str, value: &str| client.request(Method::GET, "/auth/session").header(name, value);
    let requests = [
        client.request(Method::GET, &in_query),
        client.request(Method::GET, &in_query).bearer_auth(&handle),
        with("auth-token", &handle),
        client.request(Method::PATCH, &format!("/auth/session/data?jwt={handle}")).json(&json!({"a": 1})),
    ];
    for request in requests {
        let what = format!("{request:?}");
        let answer = client.send(request).await;
        assert_eq!(refusal(&answer), (403, json!("wrong_credential")), "{what}");
        assert!(!answer.body.contains(&handle));
    }
    let nobody = [
        client.request(Method::GET, "/auth/session").basic_auth("x", Some(&handle)),
        with("cookie", &format!("__Host-vestibule-session={handle}")),
        with("cookie", &format!("__Host-vestibule-session={}", &handle["vsth.".len()..])),
    ];
    for request in nobody {
        let answer = client.send(request).await;
        assert_eq!(refusal(&answer), (401, json!("not_signed_in")), "{}", answer.body);
    }
    let two =
        send(&app, &handle, Method::GET, "/auth/session", None, |r| r.header("auth-token", &token)).await;
    assert_eq!(refusal(&two), (400, json!("invalid_request")));
    assert_eq!(read(&app, &handle).await.json()["data"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_nothing_but_what_was_sealed_as_a_handle_is_one() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    let handle = handle(&app.flows, &token, "wiki").await;
    let browser = app.browser();
    let callback = app.reach_callback(&browser, "google", "ada", FRONTEND).await;
    let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let sealed = &handle["vsth.".len()..];
    let flipped = |index: usize| {
        let mut bytes = handle.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut forged = vec![
        "vsth.".to_owned(),
        format!("vsth.{state}"),
        format!("vsth.{token}"),
        format!("vsth.{handle}"),
        format!("{handle}A"),
        format!("vsth.{}", "A".repeat(100_000 / 16)),
        handle[..handle.len() - 1].to_owned(),
    ];
    forged.extend(["vsth.".len(), handle.len() / 2, handle.len() - 3].map(flipped));
    for text in &forged {
        assert_eq!(refusal(&read(&app, text).await), not_signed_in(), "{text}");
        assert_eq!(refusal(&patch(&app, text, json!({"a": 1})).await), not_signed_in(), "{text}");
    }
    for state in [sealed, handle.as_str()] {
        let mut forged = callback.clone();
        forged.query_pairs_mut().clear().append_pair("code", "x").append_pair("state", state);
        let answer = browser.get(forged.as_str()).await;
        assert_eq!(answer.status, 400, "a handle is no state");
        assert!(answer.headers.get("location").is_none());
    }
    assert_eq!(browser.get(callback.as_str()).await.status, 303, "and spends nothing");
    for sealed in [sealed, state.as_str()] {
        assert_eq!(refusal(&read(&app, sealed).await), not_signed_in(), "without what it begins with");
    }
}
