//! The answer of one provider at the address of another (RFC 9700 section 4.4).

use std::time::Duration;

use reqwest::Method;
use url::Url;
use vestibule_provider_emulator::Provider;

use vestibule_test_support::{assert_refusal_page, parameter, with_parameter};

use super::{EXPIRED, NONE, assert_finishes, consented, exchanges};
use crate::app::{FRONTEND, TestApp};
use crate::clients::{ApiClient as _, Browser};

const WRONG: &str = "This sign-in cannot be finished";
const EMULATED: [Provider; 3] = [Provider::Google, Provider::Github, Provider::Corporate];

/// The same answer at another path.
fn at(callback: &Url, path: &str) -> Url {
    let mut moved = callback.clone();
    moved.set_path(path);
    moved
}

/// A browser in which Ada has consented, and what brings her back: with a code, and with an error.
async fn both_answers<'a>(app: &'a TestApp, provider: &str) -> (Browser<'a>, Url, Url) {
    let browser = app.browser();
    let consent = app.start_sign_in(&browser, provider, FRONTEND).await.location();
    let good = browser.get(with_parameter(&consent, "persona", "ada").as_str()).await.location();
    let refusal = browser.get(with_parameter(&consent, "persona", "refuses").as_str()).await.location();
    (browser, good, refusal)
}

/// What is good but for its age is still of one provider alone.
#[tokio::test(flavor = "multi_thread")]
async fn b12_an_old_state_at_the_address_of_another_provider_is_no_better() {
    let app = TestApp::new().await;
    let (browser, good, refusal) = both_answers(&app, "corporate").await;
    app.clock.advance(Duration::from_secs(601));
    for answer in [&good, &refusal] {
        assert_refusal_page(&browser.get(at(answer, "/auth/oauth_callback").as_str()).await, WRONG);
        assert_refusal_page(&browser.get(answer.as_str()).await, EXPIRED);
    }
}

/// The two that share an address: Google says who it is, so that its code is known before it is sent to GitHub.
#[tokio::test(flavor = "multi_thread")]
async fn b4_an_answer_of_google_is_not_exchanged_at_github() {
    let app = TestApp::new().await;
    let (browser, github) = consented(&app, "github").await;
    let (_, google) = consented(&app, "google").await;
    let mixed = with_parameter(&google, "state", &parameter(&github, "state").unwrap());
    let end = browser.get(mixed.as_str()).await;
    assert_eq!(end.location().as_str(), format!("{FRONTEND}?error=sign_in_failed"));
    assert_eq!(EMULATED.map(|provider| exchanges(&app, provider)), [NONE; 3]);
}

/// Neither a look ahead nor another method is a callback, at any of the addresses.
#[tokio::test(flavor = "multi_thread")]
async fn b10_only_a_navigation_spends_a_callback_of_a_named_provider() {
    let app = TestApp::new().await;
    let (browser, callback) = consented(&app, "corporate").await;
    let head = browser.send(browser.request(Method::HEAD, callback.as_str())).await;
    assert_eq!((head.status.as_u16(), head.body.as_str(), head.header("location")), (400, "", None));
    let ahead = browser.request(Method::GET, callback.as_str()).header("sec-purpose", "prefetch");
    assert_refusal_page(&browser.send(ahead).await, "This page was loaded ahead of time");
    let posted = browser.send(browser.request(Method::POST, callback.as_str())).await;
    assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(exchanges(&app, Provider::Corporate), NONE);
    assert_finishes(&browser, &callback).await;
}
