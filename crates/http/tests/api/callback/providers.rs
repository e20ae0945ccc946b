//! The provider's part of a callback: its code, its error, its name.

use url::Url;
use vestibule_provider_emulator::{Endpoint, Provider, TokenExchanges};

use vestibule_test_support::{assert_refusal_page, parameter, with_parameter, without_parameter};

use super::{FORGED, MISSING, NONE, ONE, OTHER_BROWSER, REPLAYED, assert_finishes, consented, exchanges};
use crate::app::{FRONTEND, PROVIDERS, TestApp};
use crate::clients::{ApiClient as _, Browser};

/// The page of a provider that says no without a state: it leads nowhere.
const DECLINED: &str = "The sign-in was declined";

/// The callback brings the browser back to the frontend with this error and no token.
async fn assert_fails(browser: &Browser<'_>, callback: &Url, error: &str) {
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.location().as_str(), format!("{FRONTEND}?error={error}"), "{callback}");
}

/// RFC 9207: the issuer promises to name itself, so that another one's answer is known before the code is sent anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn b4_an_answer_that_names_another_issuer_or_none_is_not_exchanged() {
    let app = TestApp::new().await;
    let issuer = app.emulator.corporate_issuer();
    let (browser, callback) = consented(&app, "corporate").await;
    assert_eq!(parameter(&callback, "iss"), Some(issuer.clone()));
    assert_fails(&browser, &without_parameter(&callback, "iss"), "sign_in_failed").await;
    for other in [&app.emulator.google_issuer(), "https://evil.tld", &format!("{issuer}/"), ""] {
        let (browser, callback) = consented(&app, "corporate").await;
        assert_fails(&browser, &with_parameter(&callback, "iss", other), "sign_in_failed").await;
    }
    // Those that promise nothing may still not name somebody else.
    for provider in ["google", "github"] {
        let (browser, callback) = consented(&app, provider).await;
        assert_fails(&browser, &with_parameter(&callback, "iss", &issuer), "sign_in_failed").await;
    }
    for provider in [Provider::Corporate, Provider::Google, Provider::Github] {
        assert_eq!(exchanges(&app, provider), NONE, "{provider}");
    }
    // What somebody else says of a refusal is not so either, and none of this has spent anything.
    let (browser, callback) = consented(&app, "google").await;
    let before = app.written();
    assert_fails(&browser, &with_parameter(&callback, "iss", "https://evil.tld"), "sign_in_failed").await;
    assert!(app.written() == before);
    assert_finishes(&browser, &callback).await;
    let browser = app.browser();
    let refusal = app.reach_callback(&browser, "corporate", "refuses", FRONTEND).await;
    assert_fails(&browser, &with_parameter(&refusal, "iss", "https://evil.tld"), "sign_in_failed").await;
    assert_fails(&browser, &refusal, "access_denied").await;
    let (browser, callback) = consented(&app, "corporate").await;
    assert_finishes(&browser, &callback).await;
}

/// A code goes to the provider that the state names, and to no other.
#[tokio::test(flavor = "multi_thread")]
async fn b4_the_code_of_one_provider_is_worth_nothing_at_another() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let corporate = app.reach_callback(&browser, "corporate", "ada", FRONTEND).await;
    let google = app.reach_callback(&browser, "google", "linus", FRONTEND).await;
    let mixed = with_parameter(&google, "code", &parameter(&corporate, "code").unwrap());
    assert_fails(&browser, &mixed, "sign_in_failed").await;
    assert_eq!(exchanges(&app, Provider::Google), TokenExchanges { attempted: 1, succeeded: 0 });
    assert_eq!(exchanges(&app, Provider::Corporate), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_code_from_another_browser_is_not_exchanged_for_a_token() {
    let app = TestApp::new().await;
    for (name, provider) in
        [("google", Provider::Google), ("github", Provider::Github), ("corporate", Provider::Corporate)]
    {
        let (victim, victims) = consented(&app, name).await;
        let attacker = app.browser();
        let attackers = app.reach_callback(&attacker, name, "linus", FRONTEND).await;
        let code = |callback: &Url| parameter(callback, "code").unwrap();
        assert_fails(&attacker, &with_parameter(&attackers, "code", &code(&victims)), "sign_in_failed").await;
        assert_fails(&victim, &with_parameter(&victims, "code", &code(&attackers)), "sign_in_failed").await;
        assert_eq!(exchanges(&app, provider), TokenExchanges { attempted: 2, succeeded: 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_an_error_leads_to_the_frontend_only_with_a_good_state() {
    let app = TestApp::new().await;
    for provider in PROVIDERS {
        let browser = app.browser();
        let callback = app.reach_callback(&browser, provider, "refuses", FRONTEND).await;
        assert_eq!(parameter(&callback, "error").as_deref(), Some("access_denied"));
        assert_refusal_page(
            &browser.get(with_parameter(&callback, "state", "forged").as_str()).await,
            FORGED,
        );
        assert_refusal_page(&browser.get(without_parameter(&callback, "state").as_str()).await, DECLINED);
        let neither = without_parameter(&without_parameter(&callback, "state"), "error");
        assert_refusal_page(&browser.get(neither.as_str()).await, MISSING);
        assert_refusal_page(&app.anonymous().get(callback.as_str()).await, OTHER_BROWSER);
        assert_fails(&browser, &callback, "access_denied").await;
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
}

/// What a provider writes into its error is not passed on; it is sorted into what frontends know.
#[tokio::test(flavor = "multi_thread")]
async fn a8_a_providers_error_becomes_one_of_ours() {
    let app = TestApp::new().await;
    for (stated, ours) in [
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("server_error", "temporarily_unavailable"),
        ("consent_required", "access_denied"),
        ("invalid_scope", "sign_in_failed"),
        ("<script>alert(1)</script>", "sign_in_failed"),
        ("x&jwt=y", "sign_in_failed"),
        ("x\r\nSet-Cookie: a=b", "sign_in_failed"),
    ] {
        let (browser, callback) = consented(&app, "google").await;
        // An error counts even beside a code.
        let mut callback = with_parameter(&callback, "error", stated);
        callback.query_pairs_mut().append_pair("error_description", stated).append_pair("error_uri", stated);
        assert_fails(&browser, &callback, ours).await;
    }
    assert_eq!(exchanges(&app, Provider::Google), NONE);
}

/// A code that a provider took once is not sent a second time, whatever became of it.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_code_that_failed_is_not_tried_again() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "google").await;
    let wrong = with_parameter(&callback, "code", "4/0Anobody");
    assert_fails(&browser, &wrong, "sign_in_failed").await;
    assert_refusal_page(&browser.get(callback.as_str()).await, REPLAYED);
    assert_eq!(app.control().requests(Provider::Google, Endpoint::Token), 1);
    let (browser, callback) = consented(&app, "github").await;
    assert_finishes(&browser, &callback).await;
    assert_eq!(exchanges(&app, Provider::Github), ONE);
}
