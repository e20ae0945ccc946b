//! `next`: where a person goes with a token. Whatever is accepted leads to an allowed origin, byte for byte.

mod properties;

use reqwest::Method;
use serde_json::json;
use vestibule_provider_emulator::{Endpoint, Provider};
use vestibule_test_support::{Answer, assert_refusal_page};

use crate::app::{FRONTEND, TestApp};
use crate::clients::{Anonymous, ApiClient as _};

const ALLOWED: [&str; 2] = ["https://app.example.com", "http://localhost:3000"];

#[tokio::test(flavor = "multi_thread")]
async fn a1_another_origin_gets_no_address_and_a_stable_error() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    let answers = ask(&browser, "https://evil.tld/").await;
    assert_not_begun(&answers, "https://evil.tld/");
    let description = "the origin of next is not one of the allowed origins";
    for answer in &answers {
        let request_id = answer.header("x-request-id").unwrap();
        let expected =
            json!({"error": "invalid_next", "error_description": description, "request_id": request_id});
        assert_eq!(answer.json(), expected, "{}", answer.url);
    }
    // A browser that navigates says what it wants to see.
    let navigation = browser.request(Method::GET, "/auth/login/google?next=https%3A%2F%2Fevil.tld%2F");
    let accepted = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = browser.send(navigation.header("accept", accepted)).await;
    assert_refusal_page(&page, "This sign-in link cannot be used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_an_origin_is_compared_whole() {
    assert_none_begins(&[
        "https://app.example.com.evil.tld",
        "https://app.example.com.evil.tld/",
        "https://evilapp.example.com/",
        "https://appXexample.com/",
        "https://app.example.com:444/",
        "https://app.example.com:80/",
        "https://badexample.com/",
        "https://example.com/",
        "https://example.com/https://app.example.com/",
        "https://evil.tld/?https://app.example.com",
        "https://evil.tld#https://app.example.com",
        "https://sub.app.example.com/",
        "https://app.example.com./",
        "http://localhost/",
        "http://localhost:30000/",
        "http://localhost:3001/",
        "https://localhost:3000/",
        "http://127.0.0.1:3000/",
        "http://[::1]:3000/",
        "https://app.example",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_what_two_parsers_may_read_differently_is_refused() {
    assert_none_begins(&[
        "https://app.example.com@evil.tld",
        "https://app.example.com:x@evil.tld/",
        "https://a@b@evil.tld",
        "https://evil.tld@app.example.com/",
        "https://@app.example.com/",
        "https://app.example.com\\@evil.tld",
        "https://evil.tld\\@app.example.com/",
        "https:/\\evil.tld",
        "https:\\\\app.example.com\\",
        "https:/app.example.com",
        "HTTPS://app.example.com/",
        "https:app.example.com",
        "https:///app.example.com",
        "//evil.tld",
        "//app.example.com/",
        "///evil.tld",
        "/\\evil.tld",
        "\\\\evil.tld",
        "/welcome",
        "welcome",
        "?x",
        "#x",
        "/\t/evil.tld",
        "/%09/evil.tld",
        "ht\ttps://app.example.com/",
        "https://app.exam\nple.com/",
        " https://app.example.com/",
        "https://app.example.com/ ",
        "\u{feff}https://app.example.com/",
        "https://app\u{ff0e}example\u{ff0e}com/",
        "https://app\u{3002}example.com/",
        "https://\u{ff41}pp.example.com/",
        "https://app%2eexample.com/",
        "https://%61pp.example.com/",
        "https://app.example.com%2f@evil.tld/",
        "https://app.example.com%00.evil.tld/",
        "https://app.example.com:443:443/",
        "https://app.example.com:0x1bb/",
        "https://app.example.com:99999/",
        "https://xn--pp-0da.example.com/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://[app.example.com]/",
        "https://",
        "https://?app.example.com",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_only_https_and_the_listed_loopback_origin_are_followed() {
    assert_none_begins(&[
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://app.example.com",
        "javascript://app.example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "blob:https://app.example.com/7a2f",
        "file:///etc/passwd",
        "filesystem:https://app.example.com/x",
        "view-source:https://app.example.com/",
        "myapp://callback",
        "ws://app.example.com/",
        "wss://app.example.com/",
        "ftp://app.example.com/",
        "http://app.example.com/",
        "http://app.example.com:443/",
        "https://192.0.2.1/",
        "https://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_odd_bytes_and_too_many_are_refused() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for encoded in [
        "https://app.example.com/%0d%0aSet-Cookie:x=y",
        "https://app.example.com/%0aX",
        "https://app.example.com/%0dX",
        "https://app.example.com/%00",
        "https://app.example.com/%7f",
        "https://app.example.com/%20",
        "https://app.example.com/+",
        "https://app.example.com/%c3%a4",
        "https://app.example.com/%ff",
        "https://app.example.com/%ed%a0%80",
        "https://app.example.com/%e2%80%ae",
        "%0d%0a",
        "%20",
        "%00",
    ] {
        assert_not_begun(&ask_raw(&browser, encoded).await, encoded);
    }
    let start = "https://app.example.com/";
    for length in [2049, 4096, 12_000] {
        let long = format!("{start}{}", "a".repeat(length - start.len()));
        assert_not_begun(&ask(&browser, &long).await, "a long one");
    }
    let longest = format!("{start}{}", "a".repeat(2048 - start.len()));
    let [check, login] = ask(&browser, &longest).await;
    assert_eq!((check.status.as_u16(), login.status.as_u16()), (200, 303));
}

/// Whoever reads the first of two would judge another one than whoever follows the last.
#[tokio::test(flavor = "multi_thread")]
async fn a1_next_given_twice_is_refused() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for path in ["/auth/check", "/auth/login/google"] {
        for query in [
            format!("next={FRONTEND}&next=https://evil.tld/"),
            format!("next=https://evil.tld/&next={FRONTEND}"),
            format!("next={FRONTEND}&next={FRONTEND}"),
            format!("next={FRONTEND}&%6eext=https://evil.tld/"),
        ] {
            let answer = browser.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, 400, "{path}?{query}");
            assert!(!answer.body.contains("auth/login") && answer.header("location").is_none());
        }
    }
}

/// A signed-in person is never told that `next` is wrong: it is not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn next_is_looked_at_only_when_nobody_is_signed_in() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let address = format!("/auth/check?jwt={token}&next=https://evil.tld/");
    let answer = app.anonymous().get(&address).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["authenticated"]), (200, &json!(true)));
    assert!(!answer.body.contains("evil.tld"));
    let browser = app.anonymous();
    let request = browser.request(Method::GET, "/auth/check?next=https://evil.tld/").bearer_auth("rubbish");
    assert_eq!(browser.send(request).await.json()["error"], "invalid_next");
}

/// A whole sign-in; where it ends, with the word TOKEN in the token's place.
async fn end_of_sign_in(app: &TestApp, next: &str) -> String {
    let browser = app.browser();
    let callback = app.reach_callback(&browser, "google", "ada", next).await;
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.headers.get_all("location").iter().count(), 1);
    // As it stands in the header: a parser would write it anew.
    let location = answer.header("location").unwrap();
    let token = answer.location_parameter("jwt").unwrap();
    assert_eq!(location.matches(&token).count(), 1);
    location.replace(&token, "TOKEN")
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_the_frontend_gets_its_address_back_with_exactly_one_token() {
    let app = TestApp::new().await;
    for (next, end) in [
        (
            "https://app.example.com/?a=1&a=2&b=&q=a+b%20c&jwt=old#frag",
            "https://app.example.com/?a=1&a=2&b=&q=a+b%20c&jwt=TOKEN#frag",
        ),
        ("https://app.example.com", "https://app.example.com?jwt=TOKEN"),
        ("https://app.example.com/?", "https://app.example.com/?jwt=TOKEN"),
        ("https://app.example.com/?jwt=a&x&%6Awt=b&jwt", "https://app.example.com/?x&jwt=TOKEN"),
        (
            "https://app.example.com/?xjwt=a&jwtx=b&JWT=c",
            "https://app.example.com/?xjwt=a&jwtx=b&JWT=c&jwt=TOKEN",
        ),
        ("http://localhost:3000/#/route?jwt=1", "http://localhost:3000/?jwt=TOKEN#/route?jwt=1"),
        (
            "https://app.example.com:443/a/../b/./%7e?x=%7E",
            "https://app.example.com:443/a/../b/./%7e?x=%7E&jwt=TOKEN",
        ),
        ("https://APP.Example.COM/x", "https://APP.Example.COM/x?jwt=TOKEN"),
        (
            "https://app.example.com/%0d%0aSet-Cookie:%20x=y?%0d%0a=%00",
            "https://app.example.com/%0d%0aSet-Cookie:%20x=y?%0d%0a=%00&jwt=TOKEN",
        ),
        (
            "https://app.example.com/?next=https://evil.tld/&state=s&code=c&error=e",
            "https://app.example.com/?next=https://evil.tld/&state=s&code=c&error=e&jwt=TOKEN",
        ),
        (
            "https://app.example.com/?q={\"a\":[1,'2']}|^`",
            "https://app.example.com/?q={\"a\":[1,'2']}|^`&jwt=TOKEN",
        ),
    ] {
        assert_eq!(end_of_sign_in(&app, next).await, end);
    }
    let longest = format!("https://app.example.com/{}", "x".repeat(2024));
    assert_eq!(longest.len(), 2048);
    assert_eq!(end_of_sign_in(&app, &longest).await, format!("{longest}?jwt=TOKEN"));
}

async fn assert_none_begins(nexts: &[&str]) {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for next in nexts {
        assert_not_begun(&ask(&browser, next).await, next);
    }
    assert_eq!(app.control().requests(Provider::Google, Endpoint::Discovery), 0);
}

/// No address of a provider, no redirect and no cookie: nothing of a sign-in has begun.
fn assert_not_begun([check, login]: &[Answer; 2], what: &str) {
    assert_eq!(check.status, 400, "{what}: {}", check.body);
    assert_eq!(check.json()["error"], "invalid_next", "{what}");
    assert!(check.json().get("providers").is_none() && !check.body.contains("/auth/login"), "{what}");
    assert_eq!(login.status, 400, "{what}: {}", login.body);
    for answer in [check, login] {
        assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none(), "{what}");
    }
}

async fn ask(browser: &Anonymous<'_>, next: &str) -> [Answer; 2] {
    let encoded: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    ask_raw(browser, &encoded).await
}

/// Asks both addresses that take a `next`, with this one in the query as it stands.
async fn ask_raw(browser: &Anonymous<'_>, encoded_next: &str) -> [Answer; 2] {
    let ask = async |path: &str| browser.get(&format!("{path}?next={encoded_next}")).await;
    [ask("/auth/check").await, ask("/auth/login/google").await]
}
