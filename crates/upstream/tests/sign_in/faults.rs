//! Providers that fail: bounded in time and size, refused in kind, felt by their own sign-ins alone.

use serde_json::json;
use vestibule_provider_emulator::{Endpoint, Fault, Lasting, Provider as Emulated};
use vestibule_upstream::{Provider, ProviderError, Reason};

use crate::stage::{Attempt, Stage, is_unavailable};

const ENDPOINTS: usize = 5;

/// Every endpoint whose answer a sign-in needs, and who feels its faults.
fn endpoints(stage: &Stage) -> [(&dyn Provider, Emulated, Endpoint, &'static str); ENDPOINTS] {
    [
        (&stage.google, Emulated::Google, Endpoint::Discovery, "ada"),
        (&stage.google, Emulated::Google, Endpoint::Token, "ada"),
        (&stage.google, Emulated::Google, Endpoint::Jwks, "ada"),
        (&stage.github, Emulated::Github, Endpoint::Token, "ada"),
        (&stage.github, Emulated::Github, Endpoint::User, "ada"),
    ]
}

fn reason(error: &ProviderError) -> Reason {
    let (ProviderError::Unavailable { reason, .. } | ProviderError::Refused { reason, .. }) = error;
    *reason
}

/// The sign-in fails as unavailable while the fault lasts, and works again afterwards.
async fn fails_while(fault: &Fault, expected: fn(Reason) -> bool) {
    for index in 0..ENDPOINTS {
        // What is already known of an issuer hides its faults, so each round starts without knowledge.
        let stage = Stage::new().await;
        let (provider, emulated, endpoint, persona) = endpoints(&stage)[index];
        stage.control.inject(emulated, endpoint, fault.clone(), Lasting::Once);
        let outcome = stage.sign_in(provider, persona).await;
        assert!(is_unavailable(&outcome), "{fault:?} at {endpoint:?}: {outcome:?}");
        let reason = reason(&outcome.unwrap_err());
        assert!(expected(reason), "{fault:?} at {endpoint:?}: {reason}");
        assert_eq!(stage.control.trapped(), 0);
        stage.clock.pass(5);
        assert!(stage.sign_in(provider, persona).await.is_ok(), "after {fault:?} at {endpoint:?}");
    }
}

#[tokio::test]
async fn b9_a_server_error_is_an_outage() {
    fails_while(&Fault::status(500, "oops"), |reason| reason == Reason::Status(500)).await;
}

#[tokio::test]
async fn b9_too_many_requests_are_an_outage() {
    fails_while(&Fault::too_many_requests(60), |reason| reason == Reason::Status(429)).await;
}

#[tokio::test]
async fn b9_a_reset_connection_is_an_outage() {
    fails_while(&Fault::Close, |reason| matches!(reason, Reason::Interrupted | Reason::Connection)).await;
}

#[tokio::test]
async fn b9_a_huge_body_is_not_read_to_its_end() {
    fails_while(&Fault::HugeBody { mebibytes: 100 }, |reason| reason == Reason::TooLarge).await;
}

#[tokio::test]
async fn b9_a_gzip_bomb_is_not_unpacked_to_its_end() {
    fails_while(&Fault::GzipBomb { mebibytes: 100 }, |reason| reason == Reason::TooLarge).await;
}

#[tokio::test]
async fn b9_a_page_in_place_of_data_is_an_outage() {
    fails_while(&Fault::html(), |reason| matches!(reason, Reason::Text(_))).await;
}

#[tokio::test]
async fn b9_json_that_ends_in_the_middle_is_an_outage() {
    fails_while(&Fault::truncated_json(), |reason| matches!(reason, Reason::Text(_))).await;
}

#[tokio::test]
async fn b9_json_of_another_shape_is_an_outage() {
    fails_while(&Fault::json(&json!("hello")), |reason| matches!(reason, Reason::Text(_))).await;
}

#[tokio::test]
async fn b9_no_redirect_is_followed() {
    let stage = Stage::new().await;
    let trap = Fault::redirect(&stage.control.trap_url());
    stage.control.inject(Emulated::Google, Endpoint::Discovery, trap.clone(), Lasting::Once);
    let outcome = stage.sign_in(&stage.google, "ada").await;
    assert_eq!(reason(&outcome.unwrap_err()), Reason::Status(302));
    stage.clock.pass(5);
    for (provider, emulated, endpoint, persona) in endpoints(&stage).into_iter().skip(1) {
        stage.control.inject(emulated, endpoint, trap.clone(), Lasting::Once);
        let outcome = stage.sign_in(provider, persona).await;
        assert_eq!(reason(&outcome.unwrap_err()), Reason::Status(302), "{endpoint:?}");
        stage.clock.pass(5);
    }
    assert_eq!(stage.control.trapped(), 0);
}

#[tokio::test]
async fn b9_whoever_hangs_is_given_up() {
    for fault in [Fault::Hang, Fault::HangInBody] {
        for index in 0..ENDPOINTS {
            let stage = Stage::impatient().await;
            let (provider, emulated, endpoint, persona) = endpoints(&stage)[index];
            stage.control.inject(emulated, endpoint, fault.clone(), Lasting::UntilCleared);
            let outcome = stage.sign_in(provider, persona).await;
            assert_eq!(reason(&outcome.unwrap_err()), Reason::Timeout, "{fault:?} at {endpoint:?}");
        }
    }
}

#[tokio::test]
async fn b9_one_provider_that_hangs_does_not_hold_the_others() {
    let stage = Stage::patient().await;
    for endpoint in [Endpoint::Discovery, Endpoint::Token, Endpoint::Jwks] {
        stage.control.inject(Emulated::Google, endpoint, Fault::Hang, Lasting::UntilCleared);
    }
    let attempt = Attempt::new(1);
    let request = attempt.request();
    let mut hanging = stage.google.authorization_url(&request);
    // The others finish while this one is still waiting.
    tokio::select! {
        biased;
        outcome = &mut hanging => panic!("the provider hangs, yet: {outcome:?}"),
        () = async {
            for _ in 0..3 {
                stage.sign_in(&stage.corporate, "ada").await.unwrap();
                stage.sign_in(&stage.github, "ada").await.unwrap();
            }
        } => {}
    }
}

#[tokio::test]
async fn b9_a_code_is_never_sent_a_second_time() {
    let stage = Stage::new().await;
    for (provider, emulated) in
        [(&stage.google as &dyn Provider, Emulated::Google), (&stage.github, Emulated::Github)]
    {
        for fault in [Fault::Close, Fault::status(503, ""), Fault::too_many_requests(1)] {
            stage.control.reset_counters();
            stage.control.inject(emulated, Endpoint::Token, fault, Lasting::Once);
            assert!(is_unavailable(&stage.sign_in(provider, "ada").await));
            assert_eq!(stage.control.token_exchanges(emulated).attempted, 1);
        }
    }
}
