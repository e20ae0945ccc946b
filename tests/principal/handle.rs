//! A session handle, sealed as a replica that has the same key seals one.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde_json::json;
use vestibule_test_support::forge::Forge;

const PURPOSE: &str = "session-handle";
const VERSION: u8 = 1;
const LIFE_SECONDS: i64 = 600;

/// The handle of the session that a user token is of, for this app. `key` is the private key of the service, in PEM.
pub(super) fn session_handle(key: &str, user_token: &str, app: &str, now_seconds: i64) -> String {
    let forge = Forge::new(key, user_token);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (issuer, kid) = (text(&forge.claims["iss"]), text(&forge.header["kid"]));
    let ends_at = (now_seconds + LIFE_SECONDS) * 1_000_000;
    let says = json!({"s": forge.claims["sid"], "u": forge.claims["sub"], "a": app, "e": ends_at});

    let der = forge.private.to_pkcs1_der().unwrap();
    let root = Salt::new(HKDF_SHA256, b"vestibule sealing v1").extract(der.as_bytes());
    let derived = UnboundKey::from(root.expand(&[PURPOSE.as_bytes()], &AES_256_GCM_SIV).unwrap());
    let kid = digest(&SHA256, kid.as_bytes());
    let key_id = &kid.as_ref()[..8];
    let nonce = [7; 12];
    let aad = [&[VERSION], key_id, PURPOSE.as_bytes(), &[0], issuer.as_bytes()].concat();
    let mut body = says.to_string().into_bytes();
    let sealed = LessSafeKey::new(derived).seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(aad),
        &mut body,
    );
    sealed.unwrap();
    format!("vsth.{}", URL_SAFE_NO_PAD.encode([&[VERSION], key_id, &nonce, &body].concat()))
}
