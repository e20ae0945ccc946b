//! The ID tokens that an issuer must not give, each over the whole way.

use serde_json::{Value, json};
use vestibule_provider_emulator::{Issuer, Provider as Emulated, Signature, Tampering};
use vestibule_upstream::{Provider, ProviderError, Step};

use crate::stage::{Attempt, Stage, redeem};

fn set(name: &str, value: impl Into<Value>) -> Tampering {
    Tampering::set_claim(name, value)
}

#[tokio::test]
async fn b6_every_flaw_of_an_id_token_is_refused() {
    let stage = Stage::new().await;
    stage.sign_in(&stage.google, "ada").await.unwrap();
    let two_audiences = json!(["google-client", "other"]);
    for flaws in [
        vec![set("iss", "https://evil.example")],
        vec![set("iss", "accounts.google.com")],
        vec![set("aud", "other")],
        vec![Tampering::remove_claim("aud")],
        vec![set("aud", two_audiences.clone()), Tampering::remove_claim("azp")],
        vec![set("aud", two_audiences), set("azp", "other")],
        vec![set("azp", "other")],
        vec![set("nonce", "another")],
        vec![Tampering::remove_claim("nonce")],
        vec![Tampering::shift_claim("exp", -86_400)],
        vec![Tampering::remove_claim("exp")],
        vec![set("exp", "never")],
        vec![Tampering::shift_claim("iat", 3_600)],
        vec![Tampering::remove_claim("iat")],
        vec![Tampering::remove_claim("sub")],
        vec![set("sub", 7)],
        vec![set("sub", "")],
        vec![set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")],
        vec![Tampering::Sign(Signature::None)],
        vec![Tampering::Sign(Signature::Damaged)],
        vec![Tampering::Sign(Signature::Hs256ClientSecret)],
        vec![Tampering::Sign(Signature::Hs256PublicPem)],
        vec![Tampering::Sign(Signature::Es256)],
        vec![Tampering::SetHeader("alg".into(), json!("RS384"))],
        vec![Tampering::SetHeader("crit".into(), json!(["b64"]))],
        vec![Tampering::unknown_key_id()],
    ] {
        stage.control.tamper(Issuer::Google, flaws.clone());
        let outcome = stage.sign_in(&stage.google, "ada").await;
        assert!(matches!(outcome, Err(ProviderError::Refused { step: Step::IdToken, .. })), "{flaws:?}");
    }
    stage.control.clear_tampering(Issuer::Google);
    stage.sign_in(&stage.google, "ada").await.unwrap();
}

#[tokio::test]
async fn b6_a_nonce_of_another_attempt_is_refused() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    let address = stage.corporate.authorization_url(&attempt.request()).await.unwrap();
    let callback = stage.consent(address, "ada").await;
    let other = Attempt { nonce: "nonce-2".into(), ..attempt };
    let outcome = redeem(&stage.corporate, &other.exchange(&callback)).await;
    assert!(matches!(outcome, Err(ProviderError::Refused { step: Step::IdToken, .. })));
    assert_eq!(stage.control.token_exchanges(Emulated::Corporate).succeeded, 1);
}

#[tokio::test]
async fn b6_a_token_without_a_key_id_is_tried_with_the_keys_that_fit() {
    let stage = Stage::new().await;
    stage.control.tamper(Issuer::Google, vec![Tampering::no_key_id()]);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    stage.control.publish_extra_key(Issuer::Google).unwrap();
    stage.clock.pass(3_601);
    stage.sign_in(&stage.google, "ada").await.unwrap();
}

#[tokio::test]
async fn b6_keys_that_share_an_id_refuse_nobody() {
    let stage = Stage::new().await;
    stage.control.publish_signing_key_again(Issuer::Google);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    stage.control.publish_key_of_same_id(Issuer::Google).unwrap();
    stage.clock.pass(3_601);
    stage.sign_in(&stage.google, "ada").await.unwrap();
}

#[tokio::test]
async fn b6_times_may_have_fractions() {
    let stage = Stage::new().await;
    let now = 1_800_000_000.0;
    stage.control.tamper(Issuer::Google, vec![set("iat", now - 0.25), set("exp", now + 3_599.75)]);
    stage.sign_in(&stage.google, "ada").await.unwrap();
}

#[tokio::test]
async fn b6_each_algorithm_that_the_issuer_lists_is_taken_and_another_is_named() {
    let stage = Stage::new().await;
    let listed = json!({
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "ES384", "PS384", "EdDSA", "Ed25519"],
    });
    stage.control.override_discovery(Issuer::Google, listed.as_object().unwrap().clone());
    for signature in
        [Signature::Es256, Signature::Es384, Signature::Ps384, Signature::EdDsa, Signature::Ed25519]
    {
        stage.control.tamper(Issuer::Google, vec![Tampering::Sign(signature)]);
        stage.clock.pass(30);
        stage.sign_in(&stage.google, "ada").await.unwrap();
    }
    stage.control.tamper(Issuer::Google, vec![Tampering::SetHeader("alg".into(), json!("ES512"))]);
    let error = stage.sign_in(&stage.google, "ada").await.unwrap_err().to_string();
    let named =
        "signed with ES512, and this issuer's may be signed with RS256, PS384, ES256, ES384, EdDSA, Ed25519";
    assert!(error.contains(named), "{error}");
}

#[tokio::test]
async fn an_issuer_that_signs_in_no_way_of_ours_says_so_before_anybody_is_sent_there() {
    let stage = Stage::new().await;
    let listed = json!({"id_token_signing_alg_values_supported": ["ES512"]});
    stage.control.override_discovery(Issuer::Google, listed.as_object().unwrap().clone());
    let error = stage.google.authorization_url(&Attempt::new(1).request()).await.unwrap_err().to_string();
    assert!(error.contains("it lists ES512; taken are RS256"), "{error}");
}

#[tokio::test]
async fn n1_no_error_names_a_code_a_secret_or_a_token() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    let address = stage.google.authorization_url(&attempt.request()).await.unwrap();
    let callback = stage.consent(address, "ada").await;
    stage.control.tamper(Issuer::Google, vec![Tampering::set_claim("aud", "canary-audience")]);
    let error = redeem(&stage.google, &attempt.exchange(&callback)).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?} {:?}", attempt.exchange(&callback), attempt.request());
    for secret in [
        &callback.code,
        &attempt.code_verifier,
        &attempt.nonce,
        &attempt.state,
        "canary",
        "google-secret",
        "eyJ",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(
        error.to_string(),
        "google sign-in refused at the step id token: aud does not contain our client id"
    );
}
