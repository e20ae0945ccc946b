//! ID tokens with flaws, and key sets that change.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use vestibule_provider_emulator::{Issuer, Provider, Signature, Tampering};

use crate::world::{World, peek};

const GOOGLE: Provider = Provider::Google;

async fn tampered(world: &World, tampering: Vec<Tampering>) -> Value {
    world.control().tamper(Issuer::Google, tampering);
    world.sign_in(GOOGLE, "ada").await["id_token"].clone()
}

#[tokio::test]
async fn claims_are_set_removed_and_shifted_under_a_good_signature() {
    let world = World::start().await;
    let flaws = vec![
        Tampering::set_claim("aud", json!(["google-client", "another"])),
        Tampering::remove_claim("nonce"),
        Tampering::shift_claim("exp", -3500),
        Tampering::set_claim("email_verified", "false"),
    ];
    let token = tampered(&world, flaws).await;
    let claims = world.verify(Issuer::Google, &token).await.unwrap();
    assert_eq!(claims["aud"][1], "another");
    assert!(claims.get("nonce").is_none());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 100);
    assert_eq!(claims["email_verified"], "false");

    world.control().clear_tampering(Issuer::Google);
    let token = world.sign_in(GOOGLE, "ada").await["id_token"].clone();
    assert!(world.verify(Issuer::Google, &token).await.unwrap().get("nonce").is_some());
}

#[tokio::test]
async fn every_bad_signature_is_refused_by_a_careful_client() {
    let world = World::start().await;
    let cases = [
        (Signature::Damaged, "RS256"),
        (Signature::None, "none"),
        (Signature::Hs256ClientSecret, "HS256"),
        (Signature::Hs256PublicPem, "HS256"),
        (Signature::Es256, "ES256"),
    ];
    for (signature, algorithm) in cases {
        let token = tampered(&world, vec![Tampering::Sign(signature)]).await;
        assert_eq!(peek(&token).0["alg"], algorithm);
        assert!(world.verify(Issuer::Google, &token).await.is_err(), "{signature:?}");
    }
}

#[tokio::test]
async fn a_wrong_algorithm_is_good_by_its_own_rules() {
    let world = World::start().await;
    let token = tampered(&world, vec![Tampering::Sign(Signature::Hs256ClientSecret)]).await;
    assert!(verify_as(&token, Algorithm::HS256, &DecodingKey::from_secret(b"google-secret")));

    let token = tampered(&world, vec![Tampering::Sign(Signature::Es256)]).await;
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(world.control().key_set(Issuer::Google)).unwrap();
    let key = keys.find(peek(&token).0["kid"].as_str().unwrap()).unwrap();
    assert!(verify_as(&token, Algorithm::ES256, &DecodingKey::from_jwk(key).unwrap()));

    let token = tampered(&world, vec![Tampering::Sign(Signature::None)]).await;
    assert!(token.as_str().unwrap().ends_with('.'));
}

fn verify_as(token: &Value, algorithm: Algorithm, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["google-client"]);
    jsonwebtoken::decode::<Value>(token.as_str().unwrap(), key, &validation).is_ok()
}

#[tokio::test]
async fn the_key_id_can_be_absent_or_unknown() {
    let world = World::start().await;
    let token = tampered(&world, vec![Tampering::no_key_id()]).await;
    assert!(peek(&token).0.get("kid").is_none());
    let token = tampered(&world, vec![Tampering::unknown_key_id()]).await;
    assert_ne!(peek(&token).0["kid"], world.control().key_set(Issuer::Google)["keys"][0]["kid"]);
    assert!(world.verify(Issuer::Google, &token).await.is_err());
}

#[tokio::test]
async fn keys_rotate_openly_and_in_secret() {
    let world = World::start().await;
    let control = world.control();
    let old = world.sign_in(GOOGLE, "ada").await;
    control.rotate_signing_key(Issuer::Google).unwrap();
    let new = world.sign_in(GOOGLE, "ada").await;
    assert_ne!(peek(&old["id_token"]).0["kid"], peek(&new["id_token"]).0["kid"]);
    for tokens in [&old, &new] {
        world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
    }

    control.rotate_signing_key_in_secret(Issuer::Google).unwrap();
    let unknown = world.sign_in(GOOGLE, "ada").await;
    assert!(world.verify(Issuer::Google, &unknown["id_token"]).await.is_err());
    control.publish_signing_key(Issuer::Google);
    world.verify(Issuer::Google, &unknown["id_token"]).await.unwrap();
}

#[tokio::test]
async fn the_key_set_can_be_empty_or_hold_more_keys() {
    let world = World::start().await;
    let control = world.control();
    control.publish_extra_key(Issuer::Google).unwrap();
    assert_eq!(control.key_set(Issuer::Google)["keys"].as_array().unwrap().len(), 2);
    let tokens = world.sign_in(GOOGLE, "ada").await;
    world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
    control.publish_no_keys(Issuer::Google);
    assert_eq!(control.key_set(Issuer::Google), json!({ "keys": [] }));
    control.publish_signing_key(Issuer::Google);
    world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
}

#[tokio::test]
async fn userinfo_can_speak_of_somebody_else() {
    let world = World::start().await;
    let tokens = world.sign_in(GOOGLE, "ada").await;
    world.control().override_userinfo(Issuer::Google, json!({ "sub": "somebody else" }));
    assert_eq!(world.userinfo(GOOGLE, &tokens).await["sub"], "somebody else");
    world.control().clear_userinfo(Issuer::Google);
    assert_eq!(world.userinfo(GOOGLE, &tokens).await["sub"], peek(&tokens["id_token"]).1["sub"]);
}
