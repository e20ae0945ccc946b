//! GET, HEAD and the methods that are refused.

use std::collections::BTreeMap;

use vestibule_test_support::{Answer, Method, RawConnection, TestDatabase};

use super::{READABLE, WRITABLE, login};
use crate::world::World;

const OTHERS: [&str; 7] = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

#[tokio::test(flavor = "multi_thread")]
async fn every_other_method_is_refused_and_told_which_there_are() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
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
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
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

/// The headers that must not differ between GET and HEAD.
fn comparable(answer: &Answer) -> BTreeMap<String, String> {
    let own = ["date", "x-request-id", "set-cookie", "location"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let login = login();
    let more = [login.as_str(), "/nowhere", "/auth/check?next=x", "/auth/login/nobody"];
    for path in READABLE.iter().copied().chain(more) {
        let get = browser.get(path).await;
        let head = browser.send(browser.request(Method::HEAD, path)).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(comparable(&head), comparable(&get), "{path}");
        assert_eq!(head.body, "", "{path}");
        assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
    }
    let request = "HEAD /auth/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let received = RawConnection::exchange(&world.program.base_url(), request).await;
    assert_eq!(received.statuses(), [200]);
    assert!(received.text().ends_with("\r\n\r\n"), "a body after the headers: {}", received.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn g7_there_is_no_jsonp() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    for parameter in ["callback", "jsonp", "cb", "_callback"] {
        for path in ["/auth/check", "/auth/authorize", "/auth/resolve", "/auth/get_profile"] {
            let answer = world.get_as(&token, &format!("{path}?{parameter}=steal&service=storage")).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
            assert!(answer.json().is_object() && !answer.body.contains("steal"), "{}", answer.body);
        }
    }
}
