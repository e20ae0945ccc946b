//! The targets of the fuzzer in this crate: tokens, sealed texts and keys that come from outside.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::{BigUint, RsaPrivateKey};
use secrecy::ExposeSecret;
use serde_json::Value;
use vestibule_domain::{Clock, SecureRandom, SessionId, Timestamp, UserId};

#[path = "../../../fuzz/edited.rs"]
mod edited;

use edited::edited;

use crate::claims::{USER_TOKEN, UserClaims};
use crate::compact::Compact;
use crate::key::Key;
use crate::{
    KeyRing, OpaqueKind, OpaqueSecret, OpaqueText, SealPurpose, TokenService, TokenSettings, find_secrets,
    sha256,
};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("user_tokens", user_tokens),
    ("sealed_texts", sealed_texts),
    ("pem_keys", pem_keys),
    ("opaque_secrets", opaque_secrets),
    ("sealed_answers", sealed_answers),
];

const ISSUER: &str = "https://auth.example.com";
const NOW: Timestamp = Timestamp::from_seconds(1_763_806_113);

/// The same numbers in every run, so that a finding can be repeated.
struct Repeatable(u64);

impl Repeatable {
    fn next_block(&mut self) -> [u8; 32] {
        self.0 += 1;
        sha256(&self.0.to_be_bytes())
    }
}

impl RngCore for Repeatable {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(32) {
            let block = self.next_block();
            piece.iter_mut().zip(block).for_each(|(byte, given)| *byte = given);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Repeatable {}

impl SecureRandom for Repeatable {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Standstill;

impl Clock for Standstill {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// What the good inputs are made from.
struct Stage {
    service: TokenService,
    token: String,
    sealed: String,
    /// The key in every structure that a file may hold, by its label.
    structures: Vec<(&'static str, Vec<u8>)>,
}

const SECRET: &[u8] = b"an attempt to sign in";

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let key = RsaPrivateKey::new_with_exp(&mut Repeatable(0), 2048, &BigUint::from(65_537_u32)).unwrap();
        let public = key.to_public_key();
        let structures = vec![
            ("PRIVATE KEY", key.to_pkcs8_der().unwrap().as_bytes().to_vec()),
            ("RSA PRIVATE KEY", key.to_pkcs1_der().unwrap().as_bytes().to_vec()),
            ("PUBLIC KEY", public.to_public_key_der().unwrap().into_vec()),
        ];
        let (label, der) = structures.first().unwrap();
        let ring = KeyRing::from_pem(&pem(label, der).into(), None).unwrap();
        let settings = TokenSettings {
            issuer: ISSUER.to_owned(),
            user_token_ttl: Duration::from_secs(3600),
            permission_token_ttl: Duration::from_secs(900),
        };
        let service = TokenService::new(ring, settings, Arc::new(Standstill), Arc::new(Repeatable(0)));
        let (user, session) = (UserId::parse("user").unwrap(), SessionId::parse("session").unwrap());
        let expires_at = NOW.plus(Duration::from_secs(3600));
        let token = service.issue_user_token(&user, &session, expires_at).unwrap();
        let sealed = service.seal(SealPurpose::LoginAttempt, SECRET).unwrap();
        Stage { token: token.expose_secret().to_owned(), sealed, structures, service }
    })
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// No text but the one that was signed is a token; and of what is signed, nothing is read that we do not write.
pub fn user_tokens(bytes: &[u8]) {
    let stage = stage();
    for text in [edited(stage.token.as_bytes(), bytes), bytes.to_vec()] {
        let Ok(text) = String::from_utf8(text) else { continue };
        let verified = stage.service.verify_user_token(&text);
        assert_eq!(verified.is_ok(), text == stage.token, "{text:?}");
    }
    assert_header_is_ours(bytes);
    assert_claims_are_ours(bytes);
}

fn assert_header_is_ours(header: &[u8]) {
    let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
    let Ok(read) = Compact::parse(&token, USER_TOKEN) else { return };
    let members: Value = serde_json::from_slice(header).unwrap();
    let written = serde_json::json!({"alg": "RS256", "typ": "user+jwt", "kid": read.kid});
    assert_eq!((members, read.payload.as_slice()), (written, b"{}".as_slice()));
}

fn assert_claims_are_ours(claims: &[u8]) {
    let Ok(read) = UserClaims::from_json(claims) else { return };
    let members: Value = serde_json::from_slice(claims).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), members, "none is passed over");
    let (user, issued_at, expires_at) = (read.sub.clone().into_owned(), read.iat, read.exp);
    let same_user = read.userid == read.sub;
    let Ok(typed) = read.into_typed() else { return };
    assert!(same_user && typed.user_id.as_str() == user);
    // What lies beyond the end of all time counts as the end.
    let last = u64::try_from(i64::MAX / 1_000_000).unwrap();
    for (claim, moment) in [(issued_at, typed.issued_at), (expires_at, typed.expires_at)] {
        assert_eq!(moment.seconds(), i64::try_from(claim.min(last)).unwrap());
    }
}

/// No text but the one that was sealed opens.
pub fn sealed_texts(bytes: &[u8]) {
    let stage = stage();
    for text in [edited(stage.sealed.as_bytes(), bytes), bytes.to_vec()] {
        let Ok(text) = String::from_utf8(text) else { continue };
        let opened = stage.service.open(SealPurpose::LoginAttempt, &text);
        assert_eq!(opened.as_deref(), (text == stage.sealed).then_some(SECRET), "{text:?}");
    }
    if let Ok(sealed) = stage.service.seal(SealPurpose::LoginAttempt, bytes) {
        assert_eq!(stage.service.open(SealPurpose::LoginAttempt, &sealed).as_deref(), Some(bytes));
    }
}

/// Whatever is taken for a key is strong, does what a key does, and reads back as itself from every form that it is given out in.
pub fn pem_keys(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        assert_fit(text);
    }
    for (label, der) in &stage().structures {
        assert_fit(&pem(label, &edited(der, bytes)));
        assert_fit(&pem(label, bytes));
    }
    assert_fit(&pem("RSA PUBLIC KEY", bytes));
}

fn assert_fit(text: &str) {
    let Ok(key) = Key::from_pem(text) else { return };
    let public = key.public();
    assert!((2048..=8192).contains(&public.bits()));
    let again = Key::from_pem(public.pem()).unwrap_or_else(|fault| unreachable!("{fault}"));
    assert_eq!((again.public().jwk(), again.public().pem()), (public.jwk(), public.pem()));
    let Some(private) = key.as_private() else { return };
    let signature = URL_SAFE_NO_PAD.encode(private.sign(b"message").unwrap());
    assert_eq!(signature.len(), private.encoded_signature_len());
    assert!(public.verifies(b"message", &signature) && !public.verifies(b"messages", &signature));
}

/// Whatever is taken for a secret has the form of one, is found by the digest of all of it, and is found within any other text.
pub fn opaque_secrets(bytes: &[u8]) {
    let good = OpaqueSecret::generate(OpaqueKind::PersonalToken, &Repeatable(7));
    for text in [edited(good.text().expose_secret().as_bytes(), bytes), bytes.to_vec()] {
        let found: Vec<_> = find_secrets(&text).map(OpaqueText::digest).collect();
        let Ok(text) = String::from_utf8(text) else { continue };
        let Ok(secret) = OpaqueText::parse(&text) else { continue };
        assert!(text.len() == 43 && text.starts_with("vst") && text.get(4..5) == Some("_"));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        assert_eq!(text.as_bytes().get(3), Some(&secret.kind().letter()));
        assert_eq!(secret.digest(), vestibule_domain::SecretDigest::new(sha256(text.as_bytes())));
        assert_eq!(found, [secret.digest()]);
    }
}

/// No text but the one that was sealed for a secret is an answer to it.
pub fn sealed_answers(bytes: &[u8]) {
    let secret = OpaqueSecret::generate(OpaqueKind::RefreshToken, &Repeatable(7));
    let Ok(secret) = OpaqueText::parse(secret.text().expose_secret()) else { unreachable!("it is whole") };
    let sealed = secret.seal_answer(SECRET, &Repeatable(7)).unwrap();
    for text in [edited(sealed.as_bytes(), bytes), bytes.to_vec()] {
        let Ok(text) = String::from_utf8(text) else { continue };
        let opened = secret.open_answer(&text);
        assert_eq!(opened.as_deref().map(Vec::as_slice), (text == sealed).then_some(SECRET), "{text:?}");
    }
    if let Ok(sealed) = secret.seal_answer(bytes, &Repeatable(7)) {
        assert_eq!(secret.open_answer(&sealed).as_deref().map(Vec::as_slice), Some(bytes));
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
