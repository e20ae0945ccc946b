//! The form of every redirect of a sign-in, and where its addresses come from.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use url::Url;
use vestibule_provider_emulator::{Provider, RedirectPolicy};
use vestibule_test_support::{Answer, RawConnection, TestDatabase};

use super::consented;
use crate::sign_in::parameter;
use crate::world::{APP, World};

const FORWARDED: [(&str, &str); 6] = [
    ("Host", "evil.tld"),
    ("X-Forwarded-Host", "evil.tld"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "444"),
    ("X-Original-URL", "https://evil.tld/"),
    ("Forwarded", "host=evil.tld;proto=https"),
];

/// 303 makes the browser ask with GET whatever it asked before; no body for anybody to read, no cache, no referrer.
fn assert_bare_redirect(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (303, ""));
    assert_eq!(answer.headers.get_all("location").iter().count(), 1);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("content-type"), None);
}

/// Name and sorted attributes of the one cookie that an answer sets.
fn cookie_of(answer: &Answer) -> (String, Vec<String>) {
    let all: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    let mut parts = all[0].to_str().unwrap().split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!(value.len(), 43, "256 bits: {value}");
    let mut attributes: Vec<_> = parts.map(str::to_owned).collect();
    attributes.sort();
    (name.to_owned(), attributes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_redirects_are_bare_and_the_cookie_is_for_this_host_alone() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let start = world.start_sign_in(&browser, "google", APP).await;
    assert_bare_redirect(&start);
    let (name, attributes) = cookie_of(&start);
    assert_eq!(name, "vestibule-sign-in");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]);

    let end = browser.get(world.reach_callback(&browser, "google", "ada", APP).await.as_str()).await;
    assert_bare_redirect(&end);
    assert!(end.header("set-cookie").is_none());
    let refused = world.finish_sign_in("google", "refuses").await;
    assert_bare_redirect(&refused);
}

/// Behind a proxy that ends TLS: the prefix keeps every other host, and plain http, from setting the cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a9_with_https_the_cookie_has_the_host_prefix_and_a_whole_sign_in_works() {
    let external = "https://auth.example.com";
    let world = World::builder(TestDatabase::sqlite()).setting("EXTERNAL_ADDRESS", external).start().await;
    let callback = format!("{external}/auth/oauth_callback");
    world.control().set_redirect_uris(Provider::Google, RedirectPolicy::Exact(vec![callback.clone()]));

    let browser = world.browser();
    let start = world.start_sign_in(&browser, "google", APP).await;
    assert_eq!(parameter(&start.location(), "redirect_uri"), Some(callback.clone()));
    assert_eq!(start.header("strict-transport-security"), Some("max-age=31536000"));
    let (name, attributes) = cookie_of(&start);
    assert_eq!(name, "__Host-vestibule-sign-in");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]);

    let back = world.reach_callback(&browser, "google", "ada", APP).await;
    assert!(back.as_str().starts_with(&callback), "{back}");
    let behind_the_proxy = format!("{}?{}", back.path(), back.query().unwrap());
    let end = browser.get(&behind_the_proxy).await;
    assert!(world.is_signed_in(&end.location_parameter("jwt").unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_addresses_come_from_the_settings_whatever_a_request_says() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let base = world.program.base_url();
    for (name, value) in FORWARDED {
        let ask =
            async |path: &str| browser.send(browser.request(Method::GET, path).header(name, value)).await;
        let check = ask("/auth/check").await.json();
        for provider in ["google", "github", "corporate"] {
            assert_eq!(
                check["providers"][provider]["url"],
                format!("{base}/auth/login/{provider}"),
                "{name}"
            );
        }
        for (provider, path) in [("google", "oauth_callback"), ("corporate", "callback/corporate")] {
            let start = ask(&format!("/auth/login/{provider}")).await.location();
            assert_eq!(parameter(&start, "redirect_uri"), Some(format!("{base}/auth/{path}")), "{name}");
        }
        assert!(!ask("/auth/login/nobody").await.body.contains("evil.tld"), "{name}");
        assert!(!ask("/").await.body.contains("evil.tld"), "{name}");
    }
    let after = browser.get("/auth/check").await.body;
    assert!(!after.contains("evil.tld"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_the_end_of_a_sign_in_comes_from_the_settings_too() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    for (name, value) in FORWARDED {
        let browser = world.browser();
        let callback = world.reach_callback(&browser, "github", "ada", "").await;
        let end = browser.send(browser.request(Method::GET, callback.as_str()).header(name, value)).await;
        assert!(end.location().as_str().starts_with(&format!("{base}/?jwt=")), "{name}: {}", end.location());
    }
}

/// A request line with a whole address names a host too, and outranks `Host` (RFC 9112 section 3.2.2).
#[tokio::test(flavor = "multi_thread")]
async fn a10_an_absolute_request_target_decides_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let request = "GET http://evil.tld/auth/check HTTP/1.1\r\nHost: evil.tld\r\nConnection: close\r\n\r\n";
    let text = RawConnection::exchange(&base, request).await.text();
    assert!(!text.contains("evil.tld"), "{text}");
}

/// The state is all that leaves for the provider of what the frontend asked for: `next` is not to be read in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_sees_does_not_show_where_the_person_goes() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let next = format!("{APP}?nonce=of-the-frontend");
    let consent: Url = world.start_sign_in(&browser, "google", &next).await.location();
    assert!(!consent.as_str().contains("example.com") && !consent.as_str().contains("of-the-frontend"));
    let state = parameter(&consent, "state").unwrap();
    let plain = BASE64_URL_SAFE_NO_PAD.decode(state.replace('.', "")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&plain).contains("example.com"));
    let (_, callback) = consented(&world, "google").await;
    assert!(!callback.as_str().contains("example.com"), "{callback}");
}
