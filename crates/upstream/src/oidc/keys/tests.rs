use serde_json::{Map, json};

use super::super::testing::{SigningKey, key_set};
use super::*;

/// A key's public half with some members changed.
fn with(mut jwk: Value, changes: &Value) -> Value {
    let changes: &Map<String, Value> = changes.as_object().unwrap();
    jwk.as_object_mut().unwrap().extend(changes.clone());
    jwk
}

#[test]
fn b6_a_key_serves_the_algorithms_of_its_type_only() {
    let keys = key_set(&[
        SigningKey::rsa().jwk("r"),
        SigningKey::ec().jwk("c"),
        SigningKey::ec_384().jwk("c384"),
        SigningKey::ed().jwk("d"),
    ]);
    for (algorithm, id) in [
        (Algorithm::RS256, "r"),
        (Algorithm::PS256, "r"),
        (Algorithm::PS512, "r"),
        (Algorithm::ES256, "c"),
        (Algorithm::ES384, "c384"),
        (Algorithm::EdDSA, "d"),
    ] {
        for other in ["r", "c", "c384", "d"] {
            assert_eq!(keys.candidates(algorithm, Some(other)).len(), usize::from(other == id));
        }
        assert_eq!(keys.candidates(algorithm, None).len(), 1);
        assert_eq!(keys.candidates(algorithm, Some("unknown")).len(), 0);
    }
    assert_eq!(keys.candidates(Algorithm::HS256, None).len(), 0);
}

#[test]
fn b6_keys_that_are_for_something_else_are_passed_over() {
    let rsa = SigningKey::rsa();
    let foreign = [
        json!({"use": "enc"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "HS256"}),
        json!({"alg": "something new"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"kty": "AKP"}),
        json!({"n": 7}),
        json!({"n": "not base64!"}),
    ];
    let mut all: Vec<Value> = foreign.iter().map(|change| with(rsa.jwk("x"), change)).collect();
    all.extend([
        json!("text"),
        json!(null),
        json!({}),
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
    ]);
    all.push(with(SigningKey::ec().jwk("x"), &json!({"crv": "P-521"})));
    let keys = key_set(&all);
    assert!(keys.0.is_empty());
    let stated =
        key_set(&[with(rsa.jwk("x"), &json!({"use": "sig", "key_ops": ["verify"], "alg": "RS384"}))]);
    assert_eq!(stated.candidates(Algorithm::RS384, Some("x")).len(), 1);
    assert_eq!(stated.candidates(Algorithm::RS256, Some("x")).len(), 0);
}

#[test]
fn b9_a_huge_set_is_cut() {
    let jwk = SigningKey::ed().jwk("x");
    assert_eq!(key_set(&vec![jwk; 1000]).0.len(), MAX_KEYS);
}
