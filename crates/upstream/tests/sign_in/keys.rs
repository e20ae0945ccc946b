//! Keys that change, hide and fail.

use vestibule_provider_emulator::{Endpoint, Fault, Issuer, Lasting, Provider as Emulated, Tampering};

use crate::stage::{Stage, is_refused, is_unavailable};

const STORM: usize = 40;

impl Stage {
    fn key_requests(&self) -> u64 {
        self.control.requests(Emulated::Google, Endpoint::Jwks)
    }

    async fn storm(&self) {
        for _ in 0..STORM {
            assert!(is_refused(&self.sign_in(&self.google, "ada").await));
        }
    }
}

#[tokio::test]
async fn b6_a_key_rotated_just_before_signing_is_found() {
    let stage = Stage::new().await;
    stage.sign_in(&stage.google, "ada").await.unwrap();
    stage.control.rotate_signing_key(Issuer::Google).unwrap();
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(stage.key_requests(), 2);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(stage.key_requests(), 2);
}

#[tokio::test]
async fn b7_a_storm_of_unknown_key_ids_makes_one_request_in_thirty_seconds() {
    let stage = Stage::new().await;
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(stage.key_requests(), 1);
    stage.control.tamper(Issuer::Google, vec![Tampering::unknown_key_id()]);
    stage.storm().await;
    assert_eq!(stage.key_requests(), 2);
    stage.clock.pass(30);
    stage.storm().await;
    assert_eq!(stage.key_requests(), 3);
    stage.control.clear_tampering(Issuer::Google);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(stage.key_requests(), 3);
}

#[tokio::test]
async fn b7_an_empty_key_set_is_no_reason_to_ask_more_often() {
    let stage = Stage::new().await;
    stage.control.publish_no_keys(Issuer::Google);
    stage.storm().await;
    // The first load, and one search for the missing key.
    assert_eq!(stage.key_requests(), 2);
    stage.storm().await;
    assert_eq!(stage.key_requests(), 2);
    stage.control.publish_signing_key(Issuer::Google);
    stage.clock.pass(30);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(stage.key_requests(), 3);
}

#[tokio::test]
async fn b7_keys_survive_an_outage_of_the_issuer() {
    let stage = Stage::new().await;
    stage.sign_in(&stage.google, "ada").await.unwrap();
    for endpoint in [Endpoint::Jwks, Endpoint::Discovery] {
        stage.control.inject(Emulated::Google, endpoint, Fault::status(500, "down"), Lasting::UntilCleared);
    }
    stage.clock.pass(6 * 3_600);
    for _ in 0..3 {
        stage.sign_in(&stage.google, "ada").await.unwrap();
    }
    // An unknown key may be a new one that the issuer cannot show just now: nobody is refused for that.
    stage.control.tamper(Issuer::Google, vec![Tampering::unknown_key_id()]);
    assert!(is_unavailable(&stage.sign_in(&stage.google, "ada").await));
    stage.control.clear_tampering(Issuer::Google);
    stage.sign_in(&stage.google, "ada").await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_withdrawn_is_not_trusted_for_longer_than_an_hour() {
    let stage = Stage::new().await;
    stage.sign_in(&stage.google, "ada").await.unwrap();
    stage.control.publish_no_keys(Issuer::Google);
    stage.clock.pass(3_600);
    assert!(is_refused(&stage.sign_in(&stage.google, "ada").await));
}
