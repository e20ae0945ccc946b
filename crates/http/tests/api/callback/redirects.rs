//! The form of every redirect of a sign-in, and where its addresses come from.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use url::Url;

use vestibule_test_support::parameter;

use super::consented;
use crate::app::{EXTERNAL_ADDRESS, FRONTEND, TestApp};
use crate::clients::ApiClient as _;

const FORWARDED: [(&str, &str); 6] = [
    ("Host", "evil.tld"),
    ("X-Forwarded-Host", "evil.tld"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Port", "444"),
    ("X-Original-URL", "https://evil.tld/"),
    ("Forwarded", "host=evil.tld;proto=http"),
];

/// The prefix keeps every other host, and plain http, from setting the cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a9_with_https_the_cookie_has_the_host_prefix_and_a_whole_sign_in_works() {
    let app = TestApp::new().await;
    let callback = format!("{EXTERNAL_ADDRESS}/auth/oauth_callback");
    let browser = app.browser();
    let start = app.start_sign_in(&browser, "google", FRONTEND).await;
    assert_eq!(parameter(&start.location(), "redirect_uri"), Some(callback.clone()));
    assert_eq!(start.header("strict-transport-security"), Some("max-age=31536000"));
    let cookies: Vec<_> = start.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let mut parts = cookies[0].to_str().unwrap().split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!((name, value.len()), ("__Host-vestibule-sign-in", 43), "256 bits: {value}");
    let mut attributes: Vec<_> = parts.collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]);

    let back = app.reach_callback(&browser, "google", "ada", FRONTEND).await;
    assert!(back.as_str().starts_with(&callback), "{back}");
    let end = browser.get(back.as_str()).await;
    assert!(app.is_signed_in(&end.location_parameter("jwt").unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_addresses_come_from_the_settings_whatever_a_request_says() {
    let app = TestApp::new().await;
    let browser = app.browser();
    for (name, value) in FORWARDED {
        let ask =
            async |path: &str| browser.send(browser.request(Method::GET, path).header(name, value)).await;
        let check = ask("/auth/check").await.json();
        for provider in ["google", "github", "corporate"] {
            assert_eq!(
                check["providers"][provider]["url"],
                format!("{EXTERNAL_ADDRESS}/auth/login/{provider}"),
                "{name}"
            );
        }
        for (provider, path) in [("google", "oauth_callback"), ("corporate", "callback/corporate")] {
            let start = ask(&format!("/auth/login/{provider}")).await.location();
            assert_eq!(
                parameter(&start, "redirect_uri"),
                Some(format!("{EXTERNAL_ADDRESS}/auth/{path}")),
                "{name}"
            );
        }
        assert!(!ask("/auth/login/nobody").await.body.contains("evil.tld"), "{name}");
        assert!(!ask("/").await.body.contains("evil.tld"), "{name}");
    }
    let after = browser.get("/auth/check").await.body;
    assert!(!after.contains("evil.tld"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_the_end_of_a_sign_in_comes_from_the_settings_too() {
    let app = TestApp::new().await;
    for (name, value) in FORWARDED {
        let browser = app.browser();
        let callback = app.reach_callback(&browser, "github", "ada", "").await;
        let end = browser.send(browser.request(Method::GET, callback.as_str()).header(name, value)).await;
        assert!(
            end.location().as_str().starts_with(&format!("{EXTERNAL_ADDRESS}/?jwt=")),
            "{name}: {}",
            end.location()
        );
    }
}

/// The state is all that leaves for the provider of what the frontend asked for: `next` is not to be read in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_sees_does_not_show_where_the_person_goes() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let next = format!("{FRONTEND}?nonce=of-the-frontend");
    let consent: Url = app.start_sign_in(&browser, "google", &next).await.location();
    assert!(!consent.as_str().contains("app.example.com") && !consent.as_str().contains("of-the-frontend"));
    let state = parameter(&consent, "state").unwrap();
    let plain = BASE64_URL_SAFE_NO_PAD.decode(state.replace('.', "")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&plain).contains("app.example.com"));
    let (_, callback) = consented(&app, "google").await;
    assert!(!callback.as_str().contains("app.example.com"), "{callback}");
}
