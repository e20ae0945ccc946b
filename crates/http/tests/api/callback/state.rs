//! The state parameter: used once, by the browser that began, within ten minutes, as we made it.

use std::time::Duration;

use reqwest::Method;
use vestibule_provider_emulator::Provider;
use vestibule_test_support::{
    assert_refusal_page, on_both_databases, parameter, with_parameter, without_parameter,
};

use super::{
    COOKIE, EXPIRED, FORGED, MISSING, NO_CODE, NONE, OTHER_BROWSER, assert_finishes, consented, exchanges,
};
use crate::app::TestApp;
use crate::clients::{ApiClient as _, Browser};

on_both_databases! {
    /// The attacker stops after consenting and sends the victim the callback, to have them signed in as somebody else.
    async fn b1_another_browser_can_neither_use_nor_spend_a_callback(database) {
        let app = TestApp::on(database).await;
        let (attacker, callback) = consented(&app, "google").await;

        let no_cookie = app.browser();
        assert_refusal_page(&no_cookie.get(callback.as_str()).await, OTHER_BROWSER);
        assert_eq!(no_cookie.cookie_names(), Vec::<String>::new());

        let (victim, own_callback) = consented(&app, "google").await;
        assert_refusal_page(&victim.get(callback.as_str()).await, OTHER_BROWSER);
        assert_refusal_page(&victim.get(with_parameter(&own_callback, "state", &parameter(&callback, "state").unwrap()).as_str()).await, OTHER_BROWSER);

        assert_eq!(exchanges(&app, Provider::Google), NONE);
        assert_finishes(&attacker, &callback).await;
        assert_finishes(&victim, &own_callback).await;
    }
}

/// A neighbour on the same site can plant a cookie of any name; then nobody knows whose browser it is.
#[tokio::test(flavor = "multi_thread")]
async fn b1_a_planted_second_cookie_signs_nobody_in() {
    let app = TestApp::new().await;
    let (attacker, callback) = consented(&app, "google").await;
    let (victim, _) = consented(&app, "google").await;
    let pair = |browser: &Browser<'_>| format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap());
    for cookies in [
        format!("{}; {}", pair(&attacker), pair(&victim)),
        format!("{}; {}", pair(&victim), pair(&attacker)),
        format!("{COOKIE}="),
        format!("{COOKIE}=AAAA"),
        format!("{COOKIE}={}", "A".repeat(43)),
        format!("other={}", attacker.cookie(COOKIE).unwrap()),
    ] {
        let request = app.anonymous().request(Method::GET, callback.as_str()).header("cookie", &cookies);
        assert_refusal_page(&app.anonymous().send(request).await, OTHER_BROWSER);
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&attacker, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_state_changed_anywhere_is_forged() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    let state = parameter(&callback, "state").unwrap();
    assert!(state.len() > 100 && state.is_ascii(), "{state}");
    for at in 0..state.len() {
        let other = if &state[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &state[..at], &state[at + 1..]);
        assert_refusal_page(
            &browser.get(with_parameter(&callback, "state", &changed).as_str()).await,
            FORGED,
        );
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_whatever_is_not_our_state_is_forged() {
    let app = TestApp::new().await;
    let token = app.sign_in("github", "ada").await;
    let (browser, callback) = consented(&app, "google").await;
    let state = parameter(&callback, "state").unwrap();
    let half = state.len() / 2;
    for forged in [
        &state[..state.len() - 1],
        &state[1..],
        &state[..half],
        &format!("{state}A"),
        &format!("{state}="),
        &format!("{state}{state}"),
        &format!(" {state}"),
        &format!("{state}\0"),
        &format!("{}{}", &state[half..], &state[..half]),
        "x",
        ".",
        "..",
        "null",
        "{}",
        "\u{feff}",
        "eyJhbGciOiJub25lIn0.eyJwIjoiZ29vZ2xlIiwibiI6Imh0dHBzOi8vZXZpbC50bGQvIn0.",
        &token,
        &browser.cookie(COOKIE).unwrap(),
        &"A".repeat(10_000),
    ] {
        assert_refusal_page(&browser.get(with_parameter(&callback, "state", forged).as_str()).await, FORGED);
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_state_expires_after_ten_minutes() {
    let app = TestApp::new().await;

    let (late, late_callback) = consented(&app, "github").await;
    app.clock.advance(Duration::from_secs(601));
    assert_refusal_page(&late.get(late_callback.as_str()).await, EXPIRED);
    assert_eq!(exchanges(&app, Provider::Github), NONE);

    let (early, early_callback) = consented(&app, "github").await;
    app.clock.advance(Duration::from_secs(599));
    assert_finishes(&early, &early_callback).await;
}

/// A spent state stays refused when it is too old to be remembered.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_used_state_is_no_better_once_it_has_expired() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "github").await;
    assert_finishes(&browser, &callback).await;
    app.clock.advance(Duration::from_secs(24 * 3600));
    assert_refusal_page(&browser.get(callback.as_str()).await, EXPIRED);
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_a_callback_that_lacks_something_says_what_and_spends_nothing() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    for (incomplete, why) in [
        (without_parameter(&callback, "state"), MISSING),
        (with_parameter(&callback, "state", ""), MISSING),
        (without_parameter(&callback, "code"), NO_CODE),
        (with_parameter(&callback, "code", ""), NO_CODE),
        (with_parameter(&without_parameter(&callback, "code"), "error", ""), NO_CODE),
        (callback.join("/auth/oauth_callback").unwrap(), MISSING),
    ] {
        assert_refusal_page(&browser.get(incomplete.as_str()).await, why);
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_a_parameter_given_twice_spends_nothing() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    for name in ["state", "code"] {
        for value in [parameter(&callback, name).unwrap(), "x".to_owned(), String::new()] {
            let mut twice = callback.clone();
            twice.query_pairs_mut().append_pair(name, &value);
            assert_refusal_page(&browser.get(twice.as_str()).await, "This address cannot be used");
        }
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// What no provider would send is not sent to one.
#[tokio::test(flavor = "multi_thread")]
async fn b10_an_endless_code_spends_nothing() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    let mut long = callback.clone();
    let fields = [("state", parameter(&callback, "state").unwrap()), ("code", "x".repeat(4097))];
    long.query_pairs_mut().clear().extend_pairs(fields);
    assert_refusal_page(&browser.get(long.as_str()).await, "The answer of the provider cannot be read");
    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}

/// Browsers fetch ahead, link scanners ask for headers, and some frontends post.
#[tokio::test(flavor = "multi_thread")]
async fn b10_only_a_navigation_spends_a_callback() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    let address = callback.as_str();

    let head = browser.send(browser.request(Method::HEAD, address)).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (400, ""));
    assert!(head.header("location").is_none());
    for (name, value) in
        [("Sec-Purpose", "prefetch"), ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch")]
    {
        let ahead = browser.send(browser.request(Method::GET, address).header(name, value)).await;
        assert_refusal_page(&ahead, "This page was loaded ahead of time");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = browser.send(browser.request(method.clone(), address)).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
        assert!(answer.header("location").is_none());
    }
    let fields: Vec<_> = callback.query_pairs().into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.post("/auth/oauth_callback", &fields).await.status, 405);

    assert_eq!(exchanges(&app, Provider::Google), NONE);
    assert_finishes(&browser, &callback).await;
}
