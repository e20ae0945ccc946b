//! Who may read an answer from another origin: those of the settings, compared whole.

use reqwest::Method;
use vestibule_test_support::{Answer, assert_readable_by, assert_unreadable};

use crate::app::TestApp;
use crate::clients::{Anonymous, ApiClient as _};

const ALLOWED: [&str; 2] = ["https://app.example.com", "http://localhost:3000"];

const REFUSED: [&str; 18] = [
    "null",
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "https://APP.EXAMPLE.COM",
    "HTTPS://app.example.com",
    "https://app.example.com evil",
    "https://*.example.com",
    "*",
    "https://user@app.example.com",
    "http://localhost",
    "http://localhost:3001",
    "http://127.0.0.1:3000",
    "https://app.example.com,https://evil.example",
];

/// What says the same to everybody.
const PUBLIC: [&str; 4] = ["/auth/public-key", "/.well-known/jwks.json", "/openapi.json", "/openapi.yaml"];

async fn ask(browser: &Anonymous<'_>, method: Method, address: &str, origin: &str) -> Answer {
    browser.send(browser.request(method, address).header("Origin", origin)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_allowed_origins_read_every_answer_and_no_others_do() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    // Good answers, refusals and addresses that are not there: a frontend reads its errors, too.
    for address in ["/auth/check", "/auth/check?next=x", "/readyz", "/nowhere", "/auth/logout"] {
        for origin in ALLOWED {
            assert_readable_by(&ask(&browser, Method::GET, address, origin).await, origin);
        }
        for origin in REFUSED {
            assert_unreadable(&ask(&browser, Method::GET, address, origin).await);
        }
        assert_unreadable(&browser.get(address).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_pages_of_every_origin_read_public_documents_and_their_errors() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for address in PUBLIC {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            for origin in ALLOWED.iter().chain(&REFUSED) {
                assert_readable_by_all(&ask(&browser, method.clone(), address, origin).await);
            }
            // Caches may give the answer to one client to all others.
            assert_readable_by_all(&browser.send(browser.request(method, address)).await);
        }
    }
}

fn assert_readable_by_all(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{answer:?}");
    assert!(!answer.headers.contains_key("vary"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_preflight_for_a_public_document_is_answered_to_every_origin() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for address in PUBLIC {
        for origin in ALLOWED.iter().chain(&REFUSED) {
            let answer = preflight(&browser, address, origin, "traceparent").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
            assert_eq!(listed(&answer, "access-control-allow-methods"), ["get", "head"]);
            assert!(listed(&answer, "access-control-allow-headers").contains(&"traceparent".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_an_allowed_origin_may_send_what_tools_add_and_nothing_that_others_would_believe() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    let requested = "*,authorization,baggage,cookie,host,sentry-trace,traceparent,tracestate,x-forwarded-for,\
        x-real-ip,x-requested-with";
    for origin in ALLOWED {
        let answer = preflight(&browser, "/auth/check", origin, requested).await;
        assert_eq!(answer.status, 204);
        assert_readable_by(&answer, origin);
        let headers = listed(&answer, "access-control-allow-headers");
        let tools = ["baggage", "sentry-trace", "traceparent", "tracestate", "x-requested-with"];
        let mut expected = ["auth-token", "authorization", "content-type"].to_vec();
        expected.extend(tools);
        expected.sort_unstable();
        assert_eq!(headers, expected);
    }
}

async fn preflight(browser: &Anonymous<'_>, address: &str, origin: &str, headers: &str) -> Answer {
    let request = browser
        .request(Method::OPTIONS, address)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", headers);
    browser.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_refused_origin_is_refused_though_the_token_is_good() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let user = app.with_token(&token);
    let request = user.request(Method::GET, "/auth/check");
    assert_unreadable(&user.send(request.header("Origin", "https://evil.example")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_preflight_of_an_allowed_origin_is_told_what_is_possible() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for address in ["/auth/check", "/auth/update", "/auth/logout"] {
        for origin in ALLOWED {
            let request = browser
                .request(Method::OPTIONS, address)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "auth-token, authorization, content-type");
            let answer = browser.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
            assert_readable_by(&answer, origin);
            assert_eq!(
                listed(&answer, "access-control-allow-methods"),
                ["delete", "get", "head", "patch", "post", "put"]
            );
            let headers = listed(&answer, "access-control-allow-headers");
            assert_eq!(headers, ["auth-token", "authorization", "content-type"]);
        }
    }
}

fn listed(answer: &Answer, name: &str) -> Vec<String> {
    let text = answer.header(name).unwrap_or_default().to_lowercase();
    let mut items: Vec<_> = text.split(',').map(|item| item.trim().to_owned()).collect();
    items.sort();
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_preflight_of_any_other_origin_is_a_method_that_is_not_there() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for origin in REFUSED {
        let request = browser
            .request(Method::OPTIONS, "/auth/check")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "GET");
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 405, "{origin}");
        assert_unreadable(&answer);
    }
    let without_origin =
        browser.request(Method::OPTIONS, "/auth/check").header("Access-Control-Request-Method", "GET");
    assert_unreadable(&browser.send(without_origin).await);
}
