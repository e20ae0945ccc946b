//! The methods that are refused, and the paths that are not there.

use reqwest::Method;

use vestibule_test_support::{READABLE, WRITABLE};

use super::login;
use crate::app::TestApp;
use crate::clients::ApiClient as _;

const OTHERS: [&str; 7] = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

#[tokio::test(flavor = "multi_thread")]
async fn every_other_method_is_refused_and_told_which_there_are() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    let login = login();
    let readable =
        READABLE.iter().copied().chain([login.as_str(), "/auth/oauth_callback", "/auth/callback/corporate"]);
    let readable = readable.flat_map(|path| OTHERS.map(|method| (path, method, "GET, HEAD")));
    let writing = |method| if method == "POST" { "GET" } else { method };
    let writable = WRITABLE.iter().flat_map(|path| OTHERS.map(|method| (*path, writing(method), "POST")));
    for (path, method, allow) in readable.chain(writable) {
        let answer = browser.send(browser.request(method.parse::<Method>().unwrap(), path)).await;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    for path in WRITABLE {
        let answer = browser.send(browser.request(Method::HEAD, path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "HEAD {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g7_what_is_not_there_is_not_there_by_any_method() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for path in [
        "/auth/check/a.css",
        "/auth/check/",
        "/auth/check%2Fa.css",
        "/auth/check;a.css",
        "/auth/Check",
        "/auth",
        "/auth/",
        "/auth/login",
        "/auth/login/",
        "/auth/login/google/a.css",
        "/metrics",
        "/assets",
        "/assets/",
        "/assets/../index.html",
        "/.well-known/",
        "/.env",
        "/docs/",
        "/openapi",
        "/healthz/x",
    ] {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let answer = browser.send(browser.request(method.parse::<Method>().unwrap(), path)).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g7_there_is_no_jsonp() {
    let app = TestApp::with_plugins().await;
    let token = app.sign_in("google", "ada").await;
    for parameter in ["callback", "jsonp", "cb", "_callback"] {
        for path in ["/auth/check", "/auth/authorize", "/auth/resolve", "/auth/get_profile"] {
            let answer =
                app.with_token(&token).get(&format!("{path}?{parameter}=steal&service=storage")).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
            assert!(answer.json().is_object() && !answer.body.contains("steal"), "{}", answer.body);
        }
    }
}
