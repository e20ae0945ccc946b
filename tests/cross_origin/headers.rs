//! The security headers of every kind of answer.

use vestibule_test_support::{Answer, Client, Method, READABLE, TestDatabase, eventually};

use super::login;
use crate::world::World;

const CLOSED: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// How long an answer may be kept, by address.
fn lifetime(address: &str) -> &'static str {
    match address {
        "/auth/public-key" | "/.well-known/jwks.json" => "public, max-age=300",
        "/favicon.ico" => "no-cache",
        asset if asset.starts_with("/assets/") => "no-cache",
        _ => "no-store",
    }
}

fn assert_secure(answer: &Answer, lifetime: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", lifetime),
    ] {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{name} of {} {}", answer.status, answer.url);
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{}: {policy}", answer.url);
    assert!(policy.contains("frame-ancestors 'none'"), "{}: {policy}", answer.url);
    assert!(policy.contains("base-uri 'none'"), "{}: {policy}", answer.url);
    let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    assert!(is_page || policy == CLOSED, "{}: {policy}", answer.url);
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or_default();
    assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{}: {policy}", answer.url);
    for revealing in ["server", "x-powered-by"] {
        assert!(!answer.headers.contains_key(revealing), "{revealing}");
    }
}

/// One answer of every kind that can be had without breaking something.
async fn every_kind(browser: &Client) -> Vec<(u16, Answer)> {
    let send = async |method: Method, address: &str| browser.send(browser.request(method, address)).await;
    vec![
        (303, browser.get(&login()).await),
        (400, browser.get("/auth/check?next=https://evil.example").await),
        (400, browser.get("/auth/check?next=&next=").await),
        (400, browser.get("/auth/login/google?next=https://evil.example").await),
        (400, browser.get("/auth/oauth_callback").await),
        (400, browser.get("/auth/callback/corporate").await),
        (404, browser.get("/auth/callback/nobody").await),
        (404, browser.get("/auth/login/nobody").await),
        (404, browser.get("/nowhere").await),
        (404, browser.get("/auth/nowhere").await),
        (404, browser.get("/assets/nowhere.js").await),
        (405, send(Method::DELETE, "/auth/check").await),
        (405, send(Method::POST, "/auth/oauth_callback").await),
        (405, send(Method::OPTIONS, "/auth/check").await),
        (413, browser.send(browser.request(Method::POST, "/auth/update").body("x".repeat(70_000))).await),
        (415, browser.send(browser.request(Method::POST, "/auth/update").body("{}")).await),
        (200, send(Method::POST, "/auth/logout").await),
        (200, send(Method::HEAD, "/auth/check").await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn g9_every_answer_has_its_security_headers() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for address in READABLE {
        let answer = browser.get(address).await;
        assert_eq!(answer.status, 200, "{address}: {}", answer.body);
        assert_secure(&answer, lifetime(address));
        assert!(!answer.headers.contains_key("strict-transport-security"), "http needs none");
    }
    for (status, answer) in every_kind(&browser).await {
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        assert_secure(&answer, "no-store");
    }
    let token = world.sign_in("google", "ada").await;
    for address in ["/auth/check", "/auth/authorize?service=storage"] {
        assert_secure(&world.get_as(&token, address).await, "no-store");
    }
    let preflight = browser
        .request(Method::OPTIONS, "/auth/check")
        .header("Origin", "https://app.example.com")
        .header("Access-Control-Request-Method", "GET");
    assert_secure(&browser.send(preflight).await, "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_with_https_the_browser_is_held_to_it() {
    let settings = World::builder(TestDatabase::sqlite()).setting("EXTERNAL_ADDRESS", "auth.example.com");
    let world = settings.start().await;
    let browser = world.browser();
    for address in ["/", "/auth/check", "/nowhere", "/auth/oauth_callback", &login()] {
        let answer = browser.get(address).await;
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{address}");
    }
    let cookie = browser.get(&login()).await.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("__Host-vestibule-sign-in="), "{cookie}");
    for attribute in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/", "; Max-Age=600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let links = browser.get("/auth/check").await.json();
    assert_eq!(links["providers"]["google"]["url"], "https://auth.example.com/auth/login/google");
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_only_the_login_address_sets_a_cookie() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for address in READABLE {
        assert!(!browser.get(address).await.headers.contains_key("set-cookie"), "{address}");
    }
    let cookie = browser.get(&login()).await.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("vestibule-sign-in=") && cookie.contains("; HttpOnly"), "{cookie}");
    let value = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(value.len(), 43, "256 random bits: {cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_and_its_header_have_the_same_request_id() {
    // At this level the answers that machines ask for all the time are in the log as well.
    let world = World::builder(TestDatabase::sqlite()).setting("LOG", "vestibule=debug").start().await;
    let browser = world.browser();
    let mut seen = Vec::new();
    for (status, answer) in every_kind(&browser).await {
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        if status >= 400 && answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            assert!(answer.body.contains(&id), "{id} is not on the page {}", answer.body);
        } else if status >= 400 {
            let body = answer.json();
            assert_eq!(body["request_id"], id.as_str());
            let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["error", "error_description", "request_id"]);
        }
        eventually("the log knows it", async || world.program.logs().contains(&id)).await;
        seen.push(id);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "every request has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn n6_metrics_are_on_their_own_listener_alone() {
    let world = World::builder(TestDatabase::sqlite()).with_metrics().start().await;
    let token = world.sign_in("google", "ada").await;
    assert_eq!(world.get_as(&token, "/auth/authorize?service=storage").await.status, 200);
    assert_eq!(world.browser().get("/metrics").await.status, 404);
    let admin = world.admin();
    let metrics = admin.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    for line in [
        "vestibule_http_requests_total{operation=\"finish_sign_in\",status=\"303\"} 1",
        "vestibule_http_requests_total{operation=\"authorize_service\",status=\"200\"} 1",
    ] {
        assert!(metrics.body.contains(line), "{line} is not in\n{}", metrics.body);
    }
    for address in ["/", "/auth/check", "/auth/public-key", "/docs"] {
        assert_eq!(admin.get(address).await.status, 404, "{address} is not for this listener");
    }
}
