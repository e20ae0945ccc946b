//! The provider's part of a callback: what is seen of it, and what comes many times at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;
use vestibule_provider_emulator::Provider;
use vestibule_test_support::{
    Client, TestDatabase, assert_refusal_page, parameter, with_parameter, without_parameter,
};

use super::{ONE, REPLAYED, assert_finishes, exchanges, finish_all};
use crate::world::{APP, PROVIDERS, World, on_both_databases};

/// The callback brings the browser back to the frontend with this error and no token.
async fn assert_fails(browser: &Client, callback: &Url, error: &str) {
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.location().as_str(), format!("{APP}?error={error}"), "{callback}");
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

on_both_databases! {
    /// Anybody can make up an error, as often as they like: it leaves nothing behind, and the attempt is as good as before.
    async fn k7_an_error_spends_nothing_and_writes_nothing_however_often_it_comes(database) {
        let world = World::on(database).await;
        for provider in PROVIDERS {
            let browser = Arc::new(world.browser());
            let consent = world.start_sign_in(&browser, provider, APP).await.location();
            let refusal = browser.get(with_parameter(&consent, "persona", "refuses").as_str()).await.location();
            let before = world.written();
            for _ in 0..10 {
                assert_fails(&browser, &refusal, "access_denied").await;
            }
            let many = finish_all(vec![(Arc::clone(&browser), refusal.clone()); 20]).await;
            assert!(many.iter().all(|answer| answer.status == 303), "{many:?}");
            assert!(world.written() == before, "{provider}");

            let good = browser.get(with_parameter(&consent, "persona", "ada").as_str()).await.location();
            assert_finishes(&browser, &good).await;
            assert_refusal_page(&browser.get(good.as_str()).await, REPLAYED);
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
        let refusal = browser.get(with_parameter(&consent, "persona", "refuses").as_str()).await.location();
        let good = browser.get(with_parameter(&consent, "persona", "ada").as_str()).await.location();
        let all = [good, refusal].map(|callback| (Arc::clone(&browser), callback));
        let answers = finish_all(all.iter().cycle().take(40).cloned().collect()).await;
        let (redirected, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 303);
        let errors = redirected.iter().filter(|answer| answer.location_parameter("error").is_some()).count();
        let tokens = redirected.iter().filter(|answer| answer.location_parameter("jwt").is_some()).count();
        assert_eq!((errors, tokens, refused.len()), (20, 1, 19), "{answers:?}");
        for answer in refused {
            assert_refusal_page(answer, REPLAYED);
        }
        assert_eq!(exchanges(&world, Provider::Google), ONE);
    }
}

/// The operator learns what a provider says when it refuses, in its words as far as they are words, and a person's no is another.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_is_counted_apart_from_a_person_who_does() {
    let world = World::builder(TestDatabase::sqlite()).with_metrics().start().await;
    for (said, error) in [
        ("access_denied", "access_denied"),
        ("account_selection_required", "access_denied"),
        ("invalid_scope", "sign_in_failed"),
        ("a_new_code", "sign_in_failed"),
        ("ada@example.org wrote this", "sign_in_failed"),
        ("server_error", "temporarily_unavailable"),
    ] {
        let browser = world.browser();
        let state = world.reach_callback(&browser, "google", "ada", APP).await;
        let refusal = with_parameter(&without_parameter(&state, "code"), "error", said);
        assert_fails(&browser, &with_parameter(&refusal, "error_description", "free text"), error).await;
    }
    let alone = world.browser().get("/auth/callback/corporate?error=consent_required").await;
    assert_eq!(alone.status, 400);
    assert!(alone.body.contains("The sign-in was declined"), "{}", alone.body);
    let made_up = world.browser().get("/auth/callback/corporate?error=words_of_no_provider").await;
    assert_eq!(made_up.status, 400);
    let logs = world.program.logs();
    assert!(logs.contains("refused_without_state") && !logs.contains("words_of_no_provider"), "{logs}");
    for code in ["access_denied", "invalid_scope", "a_new_code", "other", "consent_required"] {
        assert!(logs.contains(code), "{code}: {logs}");
    }
    assert!(!logs.contains("wrote this") && !logs.contains("free text"), "{logs}");
    let metrics = world.admin().get("/metrics").await.body;
    for line in [
        "vestibule_sign_ins_total{provider=\"google\",outcome=\"declined_at_provider\"} 2",
        "vestibule_sign_ins_total{provider=\"google\",outcome=\"refused_by_provider\"} 3",
        "vestibule_sign_ins_total{provider=\"google\",outcome=\"provider_unavailable\"} 1",
        "vestibule_provider_refusals_total{provider=\"google\",code=\"invalid_scope\"} 1",
        "vestibule_provider_refusals_total{provider=\"google\",code=\"other\"} 2",
        "vestibule_callbacks_refused_total{reason=\"declined_without_state\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
