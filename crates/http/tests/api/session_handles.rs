//! Session handles: what the backend of an app reaches with one, and that it is nothing else.

mod elsewhere;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vestibule_domain::{App, Apps, ClientInfo, Origin, ServiceName};
use vestibule_flows::{Credentials, FlowError, Flows, Principal, SessionCookie};
use vestibule_test_support::{Answer, TestDatabase, eventually, on_both_databases};

use crate::app::TestApp;
use crate::clients::ApiClient as _;

const WIKI: &str = "https://app.example.com";
const BOARD: &str = "http://localhost:3000";

fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

fn apps() -> Apps {
    let app = |name, origin| App { name: service(name), origin: Origin::parse(origin).unwrap() };
    Apps::new(vec![app("wiki", WIKI), app("board", BOARD)])
}

async fn stage(database: TestDatabase) -> TestApp {
    TestApp::builder(database).flows(|flows| flows.apps = apps()).build().await
}

async fn principal(flows: &Flows, credentials: Credentials<'_>) -> Principal {
    flows.authenticate(credentials).await.unwrap().require().unwrap()
}

/// The handle that the backend of this app gets of somebody who came with a user token.
async fn handle(flows: &Flows, token: &str, app: &str) -> String {
    let principal = principal(flows, Credentials { token: Some(token), ..Credentials::default() }).await;
    let handle = flows.make_session_handle(&principal, &service(app)).unwrap();
    handle.expose_secret().to_owned()
}

/// A backend, which is no browser.
async fn ask(app: &TestApp, bearer: &str, method: Method, address: &str, body: Option<Value>) -> Answer {
    send(app, bearer, method, address, body, |request| request).await
}

/// The same, with something more in the request.
async fn send(
    app: &TestApp,
    bearer: &str,
    method: Method,
    address: &str,
    body: Option<Value>,
    more: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Answer {
    let client = app.with_token(bearer);
    let mut request = more(client.request(method, address));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    client.send(request).await
}

async fn read(app: &TestApp, handle: &str) -> Answer {
    ask(app, handle, Method::GET, "/auth/session", None).await
}

async fn patch(app: &TestApp, handle: &str, body: Value) -> Answer {
    ask(app, handle, Method::PATCH, "/auth/session/data", Some(body)).await
}

fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json()["error"].clone())
}

fn not_signed_in() -> (u16, Value) {
    (401, json!("invalid_token"))
}

on_both_databases! {
    async fn the_backend_of_an_app_reads_who_came_and_keeps_its_data(database) {
        let app = stage(database).await;
        let token = app.sign_in("google", "ada").await;
        let handle = handle(&app.flows, &token, "wiki").await;
        assert!(handle.starts_with("vsth.") && handle.len() < 512, "{handle}");
        let session = read(&app, &handle).await;
        let of_person = app.with_token(&token).get("/auth/session").await.json();
        assert_eq!(session.json(), of_person, "{}", session.body);

        let written = patch(&app, &handle, json!({"theme": "dark"})).await;
        assert_eq!((written.status.as_u16(), written.header("etag")), (200, Some("\"1\"")));
        let put = async |condition: &str, body: Value| {
            let more = |request: RequestBuilder| request.header("if-match", condition);
            send(&app, &handle, Method::PUT, "/auth/session/data", Some(body), more).await.status.as_u16()
        };
        assert_eq!((put("\"0\"", json!({})).await, put("\"1\"", json!({"page": 3})).await), (412, 200));
        let session = read(&app, &handle).await;
        assert_eq!((&session.json()["data"], session.header("etag")), (&json!({"page": 3}), Some("\"2\"")));
        let cleared = ask(&app, &handle, Method::DELETE, "/auth/session/data", None).await;
        assert_eq!(cleared.status, 204, "{}", cleared.body);
    }

    async fn g10_a_handle_reaches_the_data_of_its_own_app_whatever_page_the_request_names(database) {
        let app = stage(database).await;
        let token = app.sign_in("google", "ada").await;
        let (wiki, board) = (handle(&app.flows, &token, "wiki").await, handle(&app.flows, &token, "board").await);
        patch(&app, &wiki, json!({"secret": "canary"})).await;
        for origin in [BOARD, WIKI, "https://evil.example", "null"] {
            let from_there = |request: RequestBuilder| request.header("origin", origin);
            let of_board = send(&app, &board, Method::GET, "/auth/session", None, from_there).await;
            assert!(of_board.status == 200 && !of_board.body.contains("canary"), "{origin}: {}", of_board.body);
            let body = Some(json!({"from": origin}));
            send(&app, &board, Method::PATCH, "/auth/session/data", body, from_there).await;
            let of_wiki = send(&app, &wiki, Method::GET, "/auth/session", None, from_there).await.json();
            assert_eq!(of_wiki["data"], json!({"secret": "canary"}), "{origin}");
        }
    }

    async fn g10_a_handle_dies_with_its_session_wherever_that_ends(database) {
        let app = stage(database).await;
        let token = app.sign_in("google", "ada").await;
        let (here, other) = (handle(&app.flows, &token, "wiki").await, app.replica().await);
        let there = handle(&other, &token, "wiki").await;
        for handle in [&here, &there] {
            assert_eq!(read(&app, handle).await.status, 200, "every replica opens what one has sealed");
        }
        let credentials = Credentials { token: Some(token.as_str()), ..Credentials::default() };
        let session = other.find_session_to_end(credentials).await.unwrap();
        other.sign_out(session, false, &ClientInfo::default()).await.unwrap();
        for handle in [&here, &there] {
            eventually("the sign-out is heard of", async || read(&app, handle).await.status == 401).await;
            assert_eq!(refusal(&read(&app, handle).await), not_signed_in());
            assert_eq!(refusal(&patch(&app, handle, json!({"a": 1})).await), not_signed_in());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_a_handle_lives_for_ten_minutes_and_makes_no_other() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    let handle = handle(&app.flows, &token, "wiki").await;
    let credentials =
        Credentials { token: Some(handle.as_str()), takes_handle: true, ..Credentials::default() };
    let holder = principal(&app.flows, credentials).await;
    for name in ["wiki", "board"] {
        let made = app.flows.make_session_handle(&holder, &service(name));
        assert!(matches!(made, Err(FlowError::WrongCredential)), "{name}");
    }
    app.clock.advance(Duration::from_secs(599));
    assert_eq!(read(&app, &handle).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&read(&app, &handle).await), not_signed_in());
    assert_eq!(refusal(&patch(&app, &handle, json!({"a": 1})).await), not_signed_in());
    assert!(app.is_signed_in(&token).await, "the session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_a_handle_counts_as_long_as_its_app_is_in_the_settings() {
    let database = TestDatabase::sqlite();
    let app = stage(database).await;
    let token = app.sign_in("google", "ada").await;
    let handle = handle(&app.flows, &token, "wiki").await;
    let credentials =
        Credentials { token: Some(handle.as_str()), takes_handle: true, ..Credentials::default() };
    let without = app.replica_with(|flows| flows.apps = Apps::default()).await;
    assert!(without.authenticate(credentials).await.unwrap().into_principal().is_none());
    let owner = principal(&without, Credentials { token: Some(&token), ..Credentials::default() }).await;
    let made = without.make_session_handle(&owner, &service("wiki"));
    assert!(matches!(made, Err(FlowError::UnknownApp)));
    assert_eq!(read(&app, &handle).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_request_may_ask_more_of_the_session_that_a_handle_is_of() {
    let app = stage(TestDatabase::sqlite()).await;
    let token = app.sign_in("google", "ada").await;
    app.clock.advance(Duration::from_secs(700));
    let handle = handle(&app.flows, &token, "wiki").await;
    let ask = async |query: &str| {
        let answer = ask(&app, &handle, Method::GET, &format!("/auth/session?{query}"), None).await;
        (answer.status.as_u16(), answer.json()["error"].clone())
    };
    assert_eq!(ask("expiry_time=600&max_age=700").await, (200, json!(null)), "to take a handle was a use");
    assert_eq!(ask("max_age=699").await, (401, json!("session_not_fresh")));
    app.clock.advance(Duration::from_secs(590));
    assert_eq!(ask("max_age=9000&expiry_time=600").await, (200, json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_made_of_a_session_alone_also_of_one_that_a_browser_holds() {
    let app = stage(TestDatabase::sqlite()).await;
    let browser = app.browser();
    let callback = app.reach_callback(&browser, "google", "ada", "/account").await;
    browser.get(callback.as_str()).await;
    let cookie = SessionCookie::from_cookie(&browser.cookie("__Host-vestibule-session").unwrap()).unwrap();
    let credentials = Credentials { cookie: Some(&cookie), ..Credentials::default() };
    let owner = principal(&app.flows, credentials).await;
    let handle = app.flows.make_session_handle(&owner, &service("wiki")).unwrap();
    assert_eq!(read(&app, handle.expose_secret()).await.json()["session"]["kind"], "browser");

    let lent = crate::lent_tokens::personal(&app, "ada", "*", "profile").await;
    let credentials = Credentials { token: Some(&lent.text), ..Credentials::default() };
    let holder = principal(&app.flows, credentials).await;
    let made = app.flows.make_session_handle(&holder, &service("wiki"));
    assert!(matches!(made, Err(FlowError::NoSession)));
}
