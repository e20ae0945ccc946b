//! The targets of the fuzzer for what an OpenID Connect issuer says.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use std::sync::OnceLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use vestibule_domain::{EmailAddress, Timestamp};

#[path = "../../../../fuzz/edited.rs"]
mod edited;

use edited::edited;

use super::algorithms::AlgorithmSet;
use super::claims::Claims;
use super::discovery::{Document, Requirements};
use super::id_token::{Expected, validate};
use super::keys::{KeySet, KeySetDocument};

const ISSUER: &str = "https://id.example";
const CLIENT: &str = "our client";
const NONCE: &str = "nonce";
const NOW: Timestamp = Timestamp::from_seconds(1_763_806_113);

/// A document is that of the issuer who was asked, and leads to https alone.
pub fn discovery_documents(bytes: &[u8]) {
    for tls_only in [true, false] {
        let Ok(document) = serde_json::from_slice::<Document>(bytes) else { return };
        let stated = document.issuer.clone();
        let Ok(metadata) = document.check(&Requirements::of_issuer(ISSUER, tls_only)) else { continue };
        assert_eq!(stated, ISSUER);
        let endpoints = [
            Some(&metadata.authorization_endpoint),
            Some(&metadata.token_endpoint),
            metadata.userinfo_endpoint.as_ref(),
            Some(&metadata.jwks_uri),
        ];
        for endpoint in endpoints.into_iter().flatten() {
            assert!(endpoint.is_https() || !tls_only);
            assert!(endpoint.url().username().is_empty() && endpoint.url().password().is_none());
        }
        assert_eq!(metadata.algorithms.find("RS256"), Some(Algorithm::RS256));
        let symmetric = ["none", "HS256", "HS384", "HS512"];
        assert!(symmetric.iter().all(|name| metadata.algorithms.find(name).is_none()));
    }
}

/// No key of a set makes a token good that was not signed with it, and none stands for a symmetric one.
pub fn provider_keys(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<KeySetDocument>(bytes) else { return };
    let keys = KeySet::new(document);
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        assert!(keys.candidates(algorithm, None).is_empty());
    }
    let own = stage();
    if let Ok(claims) = validate(&own.token, &keys, &expected()) {
        assert_eq!(claims.subject(), Some("subject"));
        let text = String::from_utf8_lossy(bytes);
        let key = serde_json::from_str::<Value>(&text).unwrap();
        let listed = key.get("keys").and_then(Value::as_array).unwrap();
        assert!(listed.iter().any(|key| key.get("x") == Some(&json!(own.public))));
    }
}

/// A token with any header and any claims, signed by the issuer itself.
pub fn id_tokens(bytes: &[u8]) {
    let own = stage();
    let text = String::from_utf8(edited(own.token.as_bytes(), bytes));
    if let Ok(text) = text.as_deref() {
        assert_eq!(validate(text, &own.keys(), &expected()).is_ok(), text == own.token, "{text:?}");
    }
    if let Ok(text) = str::from_utf8(bytes) {
        assert!(validate(text, &own.keys(), &expected()).is_err() || text == own.token);
    }
    assert_expected(&own.sign(br#"{"alg":"EdDSA","kid":"1"}"#, bytes), bytes);
    let good = own.claims.as_bytes();
    assert_expected(&own.sign(bytes, good), good);
}

fn assert_expected(token: &str, payload: &[u8]) {
    if validate(token, &stage().keys(), &expected()).is_err() {
        return;
    }
    let claims: Value = serde_json::from_slice(payload).unwrap();
    let seconds = |name| claims.get(name).and_then(Value::as_f64).unwrap();
    assert_eq!((claims.get("iss"), claims.get("nonce")), (Some(&json!(ISSUER)), Some(&json!(NONCE))));
    let audience = claims.get("aud").unwrap();
    assert!(*audience == json!(CLIENT) || audience.as_array().unwrap().contains(&json!(CLIENT)));
    let now = f64::from(u32::try_from(NOW.seconds()).unwrap());
    assert!(now < seconds("exp") + 60.0 && seconds("iat") <= now + 60.0);
    let subject = claims.get("sub").and_then(Value::as_str).unwrap();
    assert!((1..=255).contains(&subject.len()));
}

/// Only `true` verifies an address, as a boolean or a text, and no verification moves to another one.
pub fn claims(bytes: &[u8]) {
    let kept = ["groups".to_owned(), "hd".to_owned()];
    let Some(claims) = Claims::parse(bytes) else { return };
    let stated: Value = serde_json::from_slice(bytes).unwrap();
    let (verified, unverified) = claims.user_claims(&kept).emails();
    assert!(verified.is_none() || unverified.is_none());
    let address = stated.get("email").and_then(Value::as_str).and_then(|text| EmailAddress::parse(text).ok());
    assert!(verified.iter().chain(&unverified).all(|email| address.as_ref() == Some(email)));
    let word = stated.get("email_verified").map(|stated| stated.to_string().to_ascii_lowercase());
    assert!(verified.is_none() || matches!(word.as_deref(), Some("true" | "\"true\"")));
    let person = claims.user_claims(&kept);
    for (name, value) in &person.kept {
        assert!(kept.contains(name) && stated.get(name) == Some(value) && !value.is_null());
    }
    // What a second answer adds leaves the first one's address as it was.
    let more = Claims::parse(br#"{"email": "other@example.org", "email_verified": true}"#).unwrap();
    let (completed, _) = person.completed_by(more.user_claims(&kept)).emails();
    assert!(unverified.is_none() || completed.is_none());
}

/// An issuer whose key is the same in every run.
struct Stage {
    key: Ed25519KeyPair,
    public: String,
    claims: String,
    token: String,
}

impl Stage {
    fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        sign(&self.key, header, claims)
    }

    fn keys(&self) -> KeySet {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": self.public});
        KeySet::new(serde_json::from_value(json!({"keys": [key]})).unwrap())
    }
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let now = NOW.seconds();
        let claims = json!({"iss": ISSUER, "aud": CLIENT, "nonce": NONCE, "sub": "subject", "iat": now, "exp": now + 60});
        let claims = claims.to_string();
        let token = sign(&key, br#"{"alg":"EdDSA","kid":"1"}"#, claims.as_bytes());
        Stage { public: URL_SAFE_NO_PAD.encode(key.public_key()), claims, token, key }
    })
}

fn sign(key: &Ed25519KeyPair, header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())))
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        additional_audiences: &[],
        nonce: NONCE,
        access_token: "access token",
        algorithms: AlgorithmSet::ALL,
        now: NOW,
    }
}
