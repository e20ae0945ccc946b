//! ID tokens: good ones, and those that a test asked to be flawed.

use std::io;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::grants::Grant;
use crate::keys::{KeyRing, OtherAlgorithm};
use crate::lock::lock;
use crate::provider::{Issuer, Provider};
use crate::shared::Shared;
use crate::tampering::{Signature, signature_of, tamper};

/// Seconds for which an ID token is good.
const LIFE: i64 = 3600;

/// What makes a signature of a text.
type Sign = Box<dyn FnOnce(&[u8]) -> io::Result<Vec<u8>>>;

/// How a token is signed, and what its header says about that.
struct Key {
    algorithm: &'static str,
    id: String,
    sign: Sign,
}

/// Writes the ID token that goes with an access token.
pub(super) fn mint(shared: &Shared, issuer: Issuer, grant: &Grant, access_token: &str) -> io::Result<String> {
    let tampering = lock(&shared.issuer(issuer).tampering).clone();
    let key = key(shared, issuer, signature_of(&tampering))?;
    let mut header = header(&key);
    let mut claims = claims(shared, issuer, grant);
    claims.insert("at_hash".to_owned(), json!(half_hash(access_token, key.algorithm)));
    tamper(&tampering, &mut header, &mut claims);

    let mut token = format!("{}.{}", encode(header), encode(claims));
    let signature = (key.sign)(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

fn encode(object: Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(object).to_string())
}

fn header(key: &Key) -> Map<String, Value> {
    let members = [("alg", key.algorithm), ("kid", &key.id), ("typ", "JWT")];
    members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn claims(shared: &Shared, issuer: Issuer, grant: &Grant) -> Map<String, Value> {
    let now = shared.clock.now();
    let client_id = &shared.client(Provider::from(issuer)).id;
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(shared.issuer_url(issuer)));
    claims.insert("aud".to_owned(), json!(client_id));
    claims.insert("azp".to_owned(), json!(client_id));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now + LIFE));
    if let Some(nonce) = &grant.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims.extend(told(issuer, grant));
    claims
}

/// What the person's claims and the granted scopes let the issuer tell (OpenID Connect Core section 5.4).
pub(super) fn told(issuer: Issuer, grant: &Grant) -> Map<String, Value> {
    let claims = grant.persona.claims(issuer).as_object().cloned().unwrap_or_default();
    claims.into_iter().filter(|(name, _)| scope_of(name).is_none_or(|scope| grant.has_scope(scope))).collect()
}

fn scope_of(claim: &str) -> Option<&'static str> {
    match claim {
        "email" | "email_verified" => Some("email"),
        "name" | "given_name" | "family_name" | "picture" | "locale" | "preferred_username" => {
            Some("profile")
        }
        _ => None,
    }
}

/// `at_hash`: the left half of the digest that the signature is made with (OpenID Connect Core section 3.1.3.6).
fn half_hash(access_token: &str, algorithm: &str) -> String {
    let hash = match algorithm {
        "ES384" | "PS384" => &digest::SHA384,
        "EdDSA" | "Ed25519" => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = digest::digest(hash, access_token.as_bytes());
    let (half, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(half)
}

fn key(shared: &Shared, issuer: Issuer, signature: Signature) -> io::Result<Key> {
    let mut ring = lock(&shared.issuer(issuer).keys);
    let signing = ring.signing();
    let id = signing.id().to_owned();
    Ok(match signature {
        Signature::Good => Key { algorithm: "RS256", id, sign: Box::new(move |text| signing.sign(text)) },
        Signature::Damaged => {
            Key { algorithm: "RS256", id, sign: Box::new(move |text| signing.sign(text).map(damage)) }
        }
        Signature::None => Key { algorithm: "none", id, sign: Box::new(|_| Ok(Vec::new())) },
        Signature::Hs256ClientSecret => hmac_key(id, shared.client(Provider::from(issuer)).secret.as_bytes()),
        Signature::Hs256PublicPem => hmac_key(id, signing.public_pem()?.as_bytes()),
        Signature::Es256 => other_key(&mut ring, OtherAlgorithm::Es256, "ES256")?,
        Signature::Es384 => other_key(&mut ring, OtherAlgorithm::Es384, "ES384")?,
        Signature::Ps384 => other_key(&mut ring, OtherAlgorithm::Ps384, "PS384")?,
        Signature::EdDsa => other_key(&mut ring, OtherAlgorithm::Ed25519, "EdDSA")?,
        Signature::Ed25519 => other_key(&mut ring, OtherAlgorithm::Ed25519, "Ed25519")?,
    })
}

fn other_key(ring: &mut KeyRing, algorithm: OtherAlgorithm, name: &'static str) -> io::Result<Key> {
    let key = ring.other(algorithm)?;
    Ok(Key { algorithm: name, id: key.id().to_owned(), sign: Box::new(move |text| key.sign(text)) })
}

fn hmac_key(id: String, secret: &[u8]) -> Key {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    Key { algorithm: "HS256", id, sign: Box::new(move |text| Ok(hmac::sign(&key, text).as_ref().to_vec())) }
}

fn damage(mut signature: Vec<u8>) -> Vec<u8> {
    if let Some(byte) = signature.last_mut() {
        *byte ^= 1;
    }
    signature
}
