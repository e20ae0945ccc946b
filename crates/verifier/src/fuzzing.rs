//! The targets of the fuzzer in this crate: tokens and keys as a service gets them.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

#[path = "../../../fuzz/edited.rs"]
mod edited;

use edited::edited;

use crate::claims::Claims;
use crate::compact::Compact;
use crate::keys::{from_jwks, from_pem};
use crate::{Verifier, VerifyError};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("permission_tokens", permission_tokens), ("verifier_keys", verifier_keys)];

const ISSUER: &str = "https://auth.example.com";
const SERVICE: &str = "shop";
const NOW: u64 = 1_763_806_113;

/// Of a key that has been deleted.
const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArrtwHrVx7XTfkgN3So++
wbeqozl6MYVJgTS5JBZj107kFIHusYk/rvUbzqql9UVY1FkaSEvAbojWCarhaY4D
3W9rgukE8Rf9EXoelmJAxfsYnA3QRmpLTLFzoSGp7byxVxzvQNu+ynRlUW7Nxmsn
vfAyZW6Uxn59J089aZvDBpr0+cXNoKDpBulh+Ku/dahPd6FA4EleN7H8groHM8gx
4NFD82WdegQY3takPPHg4dflhl7MrwIjwIFl3df5/O3p0v0oJ0vAXfru4sgvvKmx
StRVmFalNW1eBQi/aO3//17ezDjKGVk8abg3onhotqD7yU/VVnQxTkFKrt/P6iPf
dwIDAQAB
-----END PUBLIC KEY-----
";

/// A good token at that moment, signed with the other half of the key.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6InBlcm1pc3Npb24rand0Iiwia2lkIjoiZDJsU2tLNHRfT29DbmdoWDg2MldDU1pPZVk1\
    cE9vQ1VpSnpteXNoQ2dZVSJ9.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZS5jb20iLCJzdWIiOiJ1c2VyIiwidXNlcml\
    kIjoidXNlciIsInNlcnZpY2UiOiJzaG9wIiwicGVybWlzc2lvbnMiOnsicmVhZCI6dHJ1ZX0sImlhdCI6MTc2MzgwNjExMyw\
    iZXhwIjoxNzYzODA3MDEzLCJqdGkiOiJ0b2tlbiJ9.AHnyDLoSEkaORUQUIDVlfemdigVcCP6NcYVOjMLEzLE2rXw7eAkYAp\
    YI4rJCtU-67ZxYdv0gV3XAzvLI40rzOqqnudcx31ht862gkXE3pLHNHZ2lB8RxmhAo3An-axHmwzpq02eK98DB1u1YaAyMw4\
    FOxJMuVhjCZ7e-M4mr5lzFvpPWe-QzYTWGwM2bSribjSiAQLzmKHp3ubEAY6HRYkGjyGjjs-orfXbPCeI8gfOplXoTHSzlmr\
    6dLTg_jVW4ljZ5pEBRKywErTRTFexIPgCqvrt0HlpTNyrjY2b3TSRmLBQx87EcthC95TasF9_UA0B2mYCTn1NJgssAG6xZoA";

fn verifier() -> Verifier {
    Verifier::new(ISSUER, SERVICE).with_public_key_pem(PUBLIC_KEY).unwrap()
}

/// No text but the one that was signed is a token; and what is signed must be ours, for us and in time.
pub fn permission_tokens(bytes: &[u8]) {
    let verifier = verifier();
    for text in [edited(TOKEN.as_bytes(), bytes), bytes.to_vec()] {
        let Ok(text) = String::from_utf8(text) else { continue };
        assert_eq!(verifier.verify(&text, NOW).is_ok(), text == TOKEN, "{text:?}");
    }
    assert_header_is_ours(bytes);
    assert_claims_are_for_us(&verifier, bytes);
}

fn assert_header_is_ours(header: &[u8]) {
    let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
    let Ok(read) = Compact::parse(&token) else { return };
    let members: Value = serde_json::from_slice(header).unwrap();
    assert_eq!(members, json!({"alg": "RS256", "typ": "permission+jwt", "kid": read.kid}));
}

fn assert_claims_are_for_us(verifier: &Verifier, payload: &[u8]) {
    let accepted = serde_json::from_slice::<Claims<'_>>(payload).ok().filter(|claims| {
        verifier.require_parties(claims).is_ok() && verifier.require_time(claims, NOW).is_ok()
    });
    let Some(claims) = accepted else { return };
    let members: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!((members.get("iss"), members.get("service")), (Some(&json!(ISSUER)), Some(&json!(SERVICE))));
    assert_eq!(members.get("sub"), members.get("userid"));
    let seconds = |name| members.get(name).and_then(Value::as_u64).unwrap();
    assert!(seconds("iat") <= NOW + 30 && NOW < seconds("exp").saturating_add(30));
    let permissions = members.get("permissions").and_then(Value::as_object).unwrap();
    let grant = crate::PermissionGrant::from(claims);
    assert!(!grant.user_id.is_empty() && grant.permissions == *permissions);
    for (name, value) in permissions {
        assert_eq!(grant.allows(name), *value == Value::Bool(true));
    }
}

/// A set of keys is taken whole, and with it nothing that its keys have not signed.
pub fn verifier_keys(bytes: &[u8]) {
    let der = STANDARD.decode(PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    for der in [edited(&der.unwrap(), bytes), bytes.to_vec()] {
        for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
            let text = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(&der));
            assert_only_the_own_key_verifies(&text);
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    assert_only_the_own_key_verifies(text);
    if let Ok(keys) = from_jwks(text) {
        let set: Value = serde_json::from_str(text).unwrap();
        let listed = set.get("keys").and_then(Value::as_array).unwrap();
        assert!(!keys.is_empty() && keys.len() <= listed.len());
        for key in &keys {
            assert!(listed.iter().any(|listed| listed.get("kid") == Some(&json!(key.kid))));
        }
        let verifier = Verifier::new(ISSUER, SERVICE).with_jwks(text).unwrap();
        assert!(matches!(
            verifier.verify(TOKEN, NOW),
            Ok(_) | Err(VerifyError::UnknownKey | VerifyError::Signature)
        ));
    }
}

fn assert_only_the_own_key_verifies(pem: &str) {
    let Ok(key) = from_pem(pem) else { return };
    let own = from_pem(PUBLIC_KEY).unwrap();
    let verifier = Verifier::new(ISSUER, SERVICE).with_public_key_pem(pem).unwrap();
    assert_eq!(verifier.verify(TOKEN, NOW).is_ok(), key.kid == own.kid);
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
