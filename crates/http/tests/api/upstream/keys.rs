//! An issuer's keys that change, hide and fail, and how often they are asked for.

use std::time::Duration;

use vestibule_provider_emulator::{Endpoint, Fault, Issuer, Lasting, Provider, Tampering};

use crate::app::TestApp;

/// More than enough: each of them would be a request, were it not for the pause.
const STORM: usize = 20;

fn key_requests(app: &TestApp) -> u64 {
    app.control().requests(Provider::Google, Endpoint::Jwks)
}

async fn storm(app: &TestApp) {
    for _ in 0..STORM {
        assert_eq!(app.fail_to_sign_in("google", "ada").await, "sign_in_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_key_rotated_just_before_signing_is_found() {
    let app = TestApp::new().await;
    app.sign_in("google", "ada").await;
    app.control().rotate_signing_key(Issuer::Google).unwrap();
    app.sign_in("google", "ada").await;
    assert_eq!(key_requests(&app), 2);
    app.sign_in("google", "linus").await;
    assert_eq!(key_requests(&app), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_key_that_is_not_published_signs_nobody_in() {
    let app = TestApp::new().await;
    app.control().rotate_signing_key_in_secret(Issuer::Google).unwrap();
    assert_eq!(app.fail_to_sign_in("google", "ada").await, "sign_in_failed");
    app.control().publish_signing_key(Issuer::Google);
    app.clock.advance(Duration::from_secs(31));
    app.sign_in("google", "ada").await;
}

/// At most one search for a missing key in half a minute, and the keys that are there stay in use.
#[tokio::test(flavor = "multi_thread")]
async fn b7_a_storm_of_unknown_key_ids_makes_one_request_in_thirty_seconds() {
    let app = TestApp::new().await;
    app.sign_in("google", "ada").await;
    assert_eq!(key_requests(&app), 1);
    for round in 2..4 {
        for _ in 0..STORM {
            // Another one each time.
            app.control().tamper(Issuer::Google, vec![Tampering::unknown_key_id()]);
            assert_eq!(app.fail_to_sign_in("google", "ada").await, "sign_in_failed");
        }
        assert_eq!(key_requests(&app), round);
        app.clock.advance(Duration::from_secs(31));
    }
    app.control().clear_tampering(Issuer::Google);
    app.sign_in("google", "ada").await;
    assert_eq!(key_requests(&app), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_an_empty_key_set_is_no_reason_to_ask_more_often() {
    let app = TestApp::new().await;
    app.control().publish_no_keys(Issuer::Google);
    storm(&app).await;
    // The first load, and one search for the missing key.
    assert_eq!(key_requests(&app), 2);
    app.control().publish_signing_key(Issuer::Google);
    app.clock.advance(Duration::from_secs(31));
    app.sign_in("google", "ada").await;
    assert_eq!(key_requests(&app), 3);
}

/// What is known of an issuer is good for as long as the issuer cannot be asked.
#[tokio::test(flavor = "multi_thread")]
async fn b7_keys_survive_an_outage_of_their_endpoint() {
    let app = TestApp::new().await;
    app.sign_in("google", "ada").await;
    for endpoint in [Endpoint::Jwks, Endpoint::Discovery] {
        app.control().inject(Provider::Google, endpoint, Fault::status(500, "down"), Lasting::UntilCleared);
    }
    app.clock.advance(Duration::from_secs(6 * 3600));
    app.sign_in("google", "ada").await;
    // The key may be a new one that the issuer cannot show just now.
    app.control().tamper(Issuer::Google, vec![Tampering::unknown_key_id()]);
    assert_eq!(app.fail_to_sign_in("google", "ada").await, "temporarily_unavailable");
    app.control().clear_tampering(Issuer::Google);
    app.sign_in("google", "ada").await;
}

/// A key that is withdrawn has a reason to be.
#[tokio::test(flavor = "multi_thread")]
async fn b6_a_withdrawn_key_is_not_trusted_for_longer_than_an_hour() {
    let app = TestApp::new().await;
    app.sign_in("google", "ada").await;
    app.control().publish_no_keys(Issuer::Google);
    app.clock.advance(Duration::from_secs(3601));
    assert_eq!(app.fail_to_sign_in("google", "ada").await, "sign_in_failed");
}
