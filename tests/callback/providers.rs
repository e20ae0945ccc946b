//! The provider's part of a callback: its code, its error, its name.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;
use vestibule_provider_emulator::{Endpoint, Provider, TokenExchanges};
use vestibule_test_support::{Client, TestDatabase};

use super::{
    FORGED, MISSING, NONE, ONE, OTHER_BROWSER, REPLAYED, assert_finishes, assert_refused, consented,
    exchanges, finish_all, with, without,
};
use crate::sign_in::{PROVIDERS, parameter};
use crate::world::{APP, World, on_both_databases};

/// The callback brings the browser back to the frontend with this error and no token.
async fn assert_fails(browser: &Client, callback: &Url, error: &str) {
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.location().as_str(), format!("{APP}?error={error}"), "{callback}");
}

/// RFC 9207: the issuer promises to name itself, so that another one's answer is known before the code is sent anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn b4_an_answer_that_names_another_issuer_or_none_is_not_exchanged() {
    let world = World::on(TestDatabase::sqlite()).await;
    let issuer = world.emulator.corporate_issuer();
    let (browser, callback) = consented(&world, "corporate").await;
    assert_eq!(parameter(&callback, "iss"), Some(issuer.clone()));
    assert_fails(&browser, &without(&callback, "iss"), "sign_in_failed").await;
    for other in [&world.emulator.google_issuer(), "https://evil.tld", &format!("{issuer}/"), ""] {
        let (browser, callback) = consented(&world, "corporate").await;
        assert_fails(&browser, &with(&callback, "iss", other), "sign_in_failed").await;
    }
    // Those that promise nothing may still not name somebody else.
    for provider in ["google", "github"] {
        let (browser, callback) = consented(&world, provider).await;
        assert_fails(&browser, &with(&callback, "iss", &issuer), "sign_in_failed").await;
    }
    for provider in [Provider::Corporate, Provider::Google, Provider::Github] {
        assert_eq!(exchanges(&world, provider), NONE, "{provider}");
    }
    // What somebody else says of a refusal is not so either, and none of this has spent anything.
    let (browser, callback) = consented(&world, "google").await;
    let before = world.written();
    assert_fails(&browser, &with(&callback, "iss", "https://evil.tld"), "sign_in_failed").await;
    assert!(world.written() == before);
    assert_finishes(&browser, &callback).await;
    let browser = world.browser();
    let refusal = world.reach_callback(&browser, "corporate", "refuses", APP).await;
    assert_fails(&browser, &with(&refusal, "iss", "https://evil.tld"), "sign_in_failed").await;
    assert_fails(&browser, &refusal, "access_denied").await;
    let (browser, callback) = consented(&world, "corporate").await;
    assert_finishes(&browser, &callback).await;
}

/// A code goes to the provider that the state names, and to no other.
#[tokio::test(flavor = "multi_thread")]
async fn b4_the_code_of_one_provider_is_worth_nothing_at_another() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let corporate = world.reach_callback(&browser, "corporate", "ada", APP).await;
    let google = world.reach_callback(&browser, "google", "linus", APP).await;
    let mixed = with(&google, "code", &parameter(&corporate, "code").unwrap());
    assert_fails(&browser, &mixed, "sign_in_failed").await;
    assert_eq!(exchanges(&world, Provider::Google), TokenExchanges { attempted: 1, succeeded: 0 });
    assert_eq!(exchanges(&world, Provider::Corporate), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_code_from_another_browser_is_not_exchanged_for_a_token() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (name, provider) in
        [("google", Provider::Google), ("github", Provider::Github), ("corporate", Provider::Corporate)]
    {
        let (victim, victims) = consented(&world, name).await;
        let attacker = world.browser();
        let attackers = world.reach_callback(&attacker, name, "linus", APP).await;
        let code = |callback: &Url| parameter(callback, "code").unwrap();
        assert_fails(&attacker, &with(&attackers, "code", &code(&victims)), "sign_in_failed").await;
        assert_fails(&victim, &with(&victims, "code", &code(&attackers)), "sign_in_failed").await;
        assert_eq!(exchanges(&world, provider), TokenExchanges { attempted: 2, succeeded: 0 });
    }
}

/// The challenge is of a verifier that stays between us and the token endpoint: it is in no address that a browser
/// sees and in no line of the log, however talkative.
#[tokio::test(flavor = "multi_thread")]
async fn b5_every_sign_in_has_a_verifier_of_its_own_that_nobody_sees() {
    let world = World::builder(TestDatabase::sqlite()).setting("LOG", "trace").start().await;
    let mut challenges = Vec::new();
    let mut seen = String::new();
    for provider in PROVIDERS {
        for _ in 0..2 {
            let browser = world.browser();
            let start = world.start_sign_in(&browser, provider, APP).await;
            let mut consent = start.location();
            assert_eq!(parameter(&consent, "code_challenge_method").as_deref(), Some("S256"));
            challenges.push(parameter(&consent, "code_challenge").unwrap());
            consent.query_pairs_mut().append_pair("persona", "ada");
            let callback = browser.get(consent.as_str()).await.location();
            let end = browser.get(callback.as_str()).await.location();
            seen.extend([
                start.url.as_str(),
                "\n",
                consent.as_str(),
                "\n",
                callback.as_str(),
                "\n",
                end.as_str(),
                "\n",
            ]);
            seen.push_str(start.header("set-cookie").unwrap());
        }
    }
    seen.push_str(&world.program.logs());

    let distinct: BTreeSet<_> = challenges.iter().collect();
    assert_eq!(distinct.len(), 6, "{challenges:?}");
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    for word in seen.split(|c| !unreserved(c)).filter(|word| word.len() >= 43) {
        let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, word.as_bytes()));
        assert!(!challenges.contains(&hash), "a verifier is seen: {word}");
    }
    assert!(challenges.iter().all(|challenge| seen.contains(challenge.as_str())));
}

/// One secret serves all tabs of a browser, so that their number costs no room.
#[tokio::test(flavor = "multi_thread")]
async fn b8_twenty_tabs_at_two_providers_all_finish() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = Arc::new(world.browser());
    let mut callbacks = Vec::new();
    for tab in 0..10 {
        for provider in ["google", "github"] {
            let next = format!("{APP}?tab={provider}{tab}");
            callbacks
                .push((Arc::clone(&browser), world.reach_callback(&browser, provider, "ada", &next).await));
        }
    }
    assert_eq!(browser.cookie_names(), ["vestibule-sign-in"]);
    assert!(browser.cookie("vestibule-sign-in").unwrap().len() < 100);

    let mut tabs: Vec<_> = finish_all(callbacks)
        .await
        .iter()
        .map(|answer| {
            assert!(answer.location_parameter("jwt").is_some(), "{answer:?}");
            answer.location_parameter("tab").unwrap()
        })
        .collect();
    tabs.sort();
    tabs.dedup();
    assert_eq!(tabs.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_an_error_leads_to_the_frontend_only_with_a_good_state() {
    let world = World::on(TestDatabase::sqlite()).await;
    for provider in PROVIDERS {
        let browser = world.browser();
        let callback = world.reach_callback(&browser, provider, "refuses", APP).await;
        assert_eq!(parameter(&callback, "error").as_deref(), Some("access_denied"));
        assert_refused(&browser.get(with(&callback, "state", "forged").as_str()).await, FORGED);
        assert_refused(&browser.get(without(&callback, "state").as_str()).await, MISSING);
        assert_refused(&world.browser().get(callback.as_str()).await, OTHER_BROWSER);
        assert_fails(&browser, &callback, "access_denied").await;
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
}

on_both_databases! {
    /// Anybody can make up an error, as often as they like: it leaves nothing behind, and the attempt is as good as before.
    async fn k7_an_error_spends_nothing_and_writes_nothing_however_often_it_comes(database) {
        let world = World::on(database).await;
        for provider in PROVIDERS {
            let browser = Arc::new(world.browser());
            let consent = world.start_sign_in(&browser, provider, APP).await.location();
            let refusal = browser.get(with(&consent, "persona", "refuses").as_str()).await.location();
            let before = world.written();
            for _ in 0..10 {
                assert_fails(&browser, &refusal, "access_denied").await;
            }
            let many = finish_all(vec![(Arc::clone(&browser), refusal.clone()); 20]).await;
            assert!(many.iter().all(|answer| answer.status == 303), "{many:?}");
            assert!(world.written() == before, "{provider}");

            let good = browser.get(with(&consent, "persona", "ada").as_str()).await.location();
            assert_finishes(&browser, &good).await;
            assert_refused(&browser.get(good.as_str()).await, REPLAYED);
            let after = world.written();
            assert_fails(&browser, &refusal, "access_denied").await;
            assert!(world.written() == after, "{provider}");
        }
        for provider in [Provider::Google, Provider::Github, Provider::Corporate] {
            assert_eq!(exchanges(&world, provider), ONE, "{provider}");
        }
    }

    /// However errors come between, of a code that comes many times one goes on.
    async fn b2_k7_errors_beside_a_code_do_not_let_it_through_twice(database) {
        let world = World::on(database).await;
        let browser = Arc::new(world.browser());
        let consent = world.start_sign_in(&browser, "google", APP).await.location();
        let refusal = browser.get(with(&consent, "persona", "refuses").as_str()).await.location();
        let good = browser.get(with(&consent, "persona", "ada").as_str()).await.location();
        let all = [good, refusal].map(|callback| (Arc::clone(&browser), callback));
        let answers = finish_all(all.iter().cycle().take(40).cloned().collect()).await;
        let (redirected, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 303);
        let errors = redirected.iter().filter(|answer| answer.location_parameter("error").is_some()).count();
        let tokens = redirected.iter().filter(|answer| answer.location_parameter("jwt").is_some()).count();
        assert_eq!((errors, tokens, refused.len()), (20, 1, 19), "{answers:?}");
        for answer in refused {
            assert_refused(answer, REPLAYED);
        }
        assert_eq!(exchanges(&world, Provider::Google), ONE);
    }
}

/// What a provider writes into its error is not passed on; it is sorted into what frontends know.
#[tokio::test(flavor = "multi_thread")]
async fn a8_a_providers_error_becomes_one_of_ours() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (stated, ours) in [
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("server_error", "temporarily_unavailable"),
        ("consent_required", "access_denied"),
        ("invalid_scope", "sign_in_failed"),
        ("<script>alert(1)</script>", "sign_in_failed"),
        ("x&jwt=y", "sign_in_failed"),
        ("x\r\nSet-Cookie: a=b", "sign_in_failed"),
    ] {
        let (browser, callback) = consented(&world, "google").await;
        // An error counts even beside a code.
        let mut callback = with(&callback, "error", stated);
        callback.query_pairs_mut().append_pair("error_description", stated).append_pair("error_uri", stated);
        assert_fails(&browser, &callback, ours).await;
    }
    assert_eq!(exchanges(&world, Provider::Google), NONE);
}

/// A code that a provider took once is not sent a second time, whatever became of it.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_code_that_failed_is_not_tried_again() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "google").await;
    let wrong = with(&callback, "code", "4/0Anobody");
    assert_fails(&browser, &wrong, "sign_in_failed").await;
    assert_refused(&browser.get(callback.as_str()).await, REPLAYED);
    assert_eq!(world.control().requests(Provider::Google, Endpoint::Token), 1);
    let (browser, callback) = consented(&world, "github").await;
    assert_finishes(&browser, &callback).await;
    assert_eq!(exchanges(&world, Provider::Github), ONE);
}
