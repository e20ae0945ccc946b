//! What apps keep in sessions, from their own pages.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::{App, Apps, Origin, ServiceName};
use vestibule_test_support::{Answer, TestDatabase, on_both_databases};

use crate::app::TestApp;
use crate::clients::ApiClient as _;

const WIKI: &str = "https://app.example.com";
const BOARD: &str = "http://localhost:3000";

async fn stage(database: TestDatabase) -> TestApp {
    let app = |name: &str, origin: &str| App {
        name: ServiceName::parse(name).unwrap(),
        origin: Origin::parse(origin).unwrap(),
    };
    let apps = Apps::new(vec![app("wiki", WIKI), app("board", BOARD)]);
    TestApp::builder(database).flows(|flows| flows.apps = apps).build().await
}

/// A request of a page at this origin, with a version that it has seen.
async fn ask(
    app: &TestApp,
    token: &str,
    origin: &str,
    (method, condition): (Method, Option<(&str, &str)>),
    body: Option<Value>,
) -> Answer {
    let client = app.with_token(token);
    let address = if method == Method::GET { "/auth/session" } else { "/auth/session/data" };
    let mut request = client.request(method, address).header("origin", origin);
    if let Some((name, value)) = condition {
        request = request.header(name, value);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    client.send(request).await
}

async fn read(app: &TestApp, token: &str, origin: &str) -> (Value, Value) {
    let session = ask(app, token, origin, (Method::GET, None), None).await.json();
    (session["data"].clone(), session["version"].clone())
}

fn refusal(answer: &Answer) -> (u16, Value, Value) {
    let body = answer.json();
    assert_eq!((&body["code"], &body["msg"]), (&json!(answer.status.as_u16()), &body["error_description"]));
    (answer.status.as_u16(), body["type"].clone(), body["error"].clone())
}

on_both_databases! {
    async fn g10_an_app_keeps_an_object_with_versions(database) {
        let app = stage(database).await;
        let token = app.sign_in("google", "ada").await;
        let none = Some(("if-none-match", "*"));
        let first = ask(&app, &token, WIKI, (Method::PUT, none), Some(json!({"theme": "dark"}))).await;
        assert_eq!((first.status.as_u16(), first.header("etag")), (200, Some("\"1\"")));
        assert_eq!(first.json(), json!({"data": {"theme": "dark"}, "version": 1}));
        assert_eq!(first.header("access-control-allow-origin"), Some(WIKI));
        assert!(first.header("access-control-expose-headers").unwrap().contains("etag"));

        let second = ask(&app, &token, WIKI, (Method::PUT, none), Some(json!({"theme": "light"}))).await;
        assert_eq!(refusal(&second), (412, json!("request"), json!("precondition_failed")));
        assert_eq!((&second.json()["data"], second.header("etag")), (&json!({"theme": "dark"}), Some("\"1\"")));
        let unconditional = ask(&app, &token, WIKI, (Method::PUT, None), Some(json!({}))).await;
        assert_eq!(refusal(&unconditional), (428, json!("request"), json!("precondition_required")));

        let patched = ask(&app, &token, WIKI, (Method::PATCH, None), Some(json!({"page": {"last": 3}}))).await;
        assert_eq!(patched.json(), json!({"data": {"theme": "dark", "page": {"last": 3}}, "version": 2}));
        for stale in ["\"1\"", "\"3\"", "W/\"2\"", "2", "\"x\""] {
            let answer = ask(&app, &token, WIKI, (Method::PATCH, Some(("if-match", stale))), Some(json!({"a": 1}))).await;
            assert_eq!(answer.status, 412, "{stale}");
        }
        let exact = ask(&app, &token, WIKI, (Method::PATCH, Some(("if-match", "\"2\""))), Some(json!({"theme": null}))).await;
        assert_eq!(exact.json(), json!({"data": {"page": {"last": 3}}, "version": 3}));
        assert_eq!(read(&app, &token, WIKI).await, (exact.json()["data"].clone(), json!(3)));

        let cleared = ask(&app, &token, WIKI, (Method::DELETE, None), None).await;
        assert_eq!((cleared.status.as_u16(), cleared.body.as_str()), (204, ""));
        assert_eq!(read(&app, &token, WIKI).await, (json!({}), json!(4)), "a version is never used twice");
    }

    async fn g10_another_app_another_session_and_another_origin_see_nothing_of_it(database) {
        let app = stage(database).await;
        let (token, other) = (app.sign_in("google", "ada").await, app.sign_in("google", "ada").await);
        ask(&app, &token, WIKI, (Method::PATCH, None), Some(json!({"secret": "canary"}))).await;
        for (token, origin) in [(&token, BOARD), (&other, WIKI), (&token, "https://evil.example"), (&token, "null")] {
            let session = ask(&app, token, origin, (Method::GET, None), None).await;
            assert!(!session.body.contains("canary"), "{origin}: {}", session.body);
        }
        for origin in ["https://auth.example.com", "https://evil.example", "null", "https://app.example.com.evil.example"] {
            let answer = ask(&app, &token, origin, (Method::PATCH, None), Some(json!({"a": 1}))).await;
            assert_eq!(refusal(&answer), (403, json!("scope"), json!("unknown_app")), "{origin}");
        }
        let without = app.with_token(&token);
        let request = without.request(Method::DELETE, "/auth/session/data");
        assert_eq!(without.send(request).await.status, 403, "no page at all");
    }

    async fn g10_after_a_sign_out_nothing_is_read_or_written(database) {
        let app = stage(database).await;
        let token = app.sign_in("google", "ada").await;
        ask(&app, &token, WIKI, (Method::PATCH, None), Some(json!({"a": 1}))).await;
        app.with_token(&token).post("/auth/logout", &[]).await;
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            let body = (method == Method::PATCH).then(|| json!({"b": 2}));
            let answer = ask(&app, &token, WIKI, (method, None), body).await;
            assert_eq!(refusal(&answer), (401, json!("token"), json!("invalid_token")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_what_is_too_large_too_deep_or_no_object_is_refused_and_the_rest_stays() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    ask(&app, &token, WIKI, (Method::PATCH, None), Some(json!({"a": 1}))).await;
    let nested = (0..9).fold(json!(1), |inner, _| json!({"a": inner}));
    for (body, expected) in [
        (json!({"a": "x".repeat(9_000)}), (413, json!("request"), json!("too_large"))),
        (nested, (413, json!("request"), json!("too_large"))),
        (json!([1]), (400, json!("request"), json!("invalid_request"))),
        (json!(null), (400, json!("request"), json!("invalid_request"))),
    ] {
        for (method, condition) in [(Method::PATCH, None), (Method::PUT, Some(("if-match", "\"1\"")))] {
            let answer = ask(&app, &token, WIKI, (method, condition), Some(body.clone())).await;
            assert_eq!(refusal(&answer), expected);
        }
    }
    let client = app.with_token(&token);
    for (kind, body, status) in [
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "a=1", 415),
        ("application/json", "{", 400),
        ("application/json; charset=utf-8", "{\"a\":1}", 200),
        ("application/merge-patch+json", "{\"a\":1}", 200),
    ] {
        let request = client.request(Method::PATCH, "/auth/session/data").header("origin", WIKI);
        let answer = client.send(request.header("content-type", kind).body(body)).await;
        assert_eq!(answer.status, status, "{kind} {body}");
    }
    assert_eq!(read(&app, &token, WIKI).await.0, json!({"a": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn k6_a_session_is_written_120_times_a_minute_at_most() {
    let app = stage(TestDatabase::sqlite()).await;
    let (token, other) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
    let mut refused = None;
    for _ in 0..200 {
        let answer = ask(&app, &token, WIKI, (Method::DELETE, None), None).await;
        if answer.status != 204 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!(refusal(&refused), (429, json!("request"), json!("too_many_requests")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask(&app, &other, WIKI, (Method::DELETE, None), None).await.status, 204, "each by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_page_of_an_app_may_ask_with_every_method_that_there_is() {
    let app = stage(TestDatabase::sqlite()).await;
    let client = app.anonymous();
    let preflight = client.request(Method::OPTIONS, "/auth/session/data").header("origin", WIKI);
    let preflight = preflight.header("access-control-request-method", "PATCH");
    let answer = client
        .send(preflight.header("access-control-request-headers", "authorization,content-type,if-match"))
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("if-match"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}
