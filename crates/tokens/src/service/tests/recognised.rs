//! What is ours, good or not, and what is not.

use super::*;
use crate::{OpaqueKind, OpaqueSecret};
use vestibule_domain::SystemRandom;

#[test]
fn h11_every_token_of_ours_is_known_as_such_good_or_not() {
    let (service, _) = service();
    let user_token = user_token(&service);
    let iss = json!({"iss": ISSUER, "sub": "ada"}).to_string();
    let [head, payload, signature] = user_token.split('.').collect::<Vec<_>>().try_into().unwrap();
    for ours in [
        user_token.clone(),
        permission_token(&service),
        // Damaged in each of its parts.
        format!("{head}.{payload}.AAAA"),
        format!("{head}.{payload}"),
        format!("{head}.AAAA.{signature}"),
        format!("AAAA.{payload}.{signature}"),
        format!("{head}==.{payload}==.{signature}"),
        // Of other kinds, or by a key that has gone.
        forged(second(), header("RS256", "JWT", "gone"), &iss),
        forged(second(), r#"{"alg":"none"}"#, &iss),
        forged(second(), header("ES256", "at+jwt", &first().kid), "{}"),
        "vsth.AAAA".to_owned(),
        "vstp_".to_owned(),
        "vstz_mistyped".to_owned(),
    ] {
        assert!(service.is_ours(&ours), "{ours}");
    }
}

#[test]
fn h11_every_kind_of_opaque_secret_is_ours() {
    for kind in OpaqueKind::ALL {
        let secret = OpaqueSecret::generate(kind, &SystemRandom);
        assert!(service().0.is_ours(secret.text().expose_secret()), "{kind:?}");
    }
}

#[test]
fn h11_what_others_made_is_not_ours() {
    let (service, _) = service();
    for foreign in [
        "",
        "abcdefg",
        "vst",
        "vst_abc",
        "vstp-abc",
        "VSTP_abc",
        "ghp_0123456789",
        ".",
        "..",
        "a.b.c",
        &forged(second(), header("RS256", "JWT", &second().kid), r#"{"iss":"https://other.example"}"#),
        &forged(second(), r#"{"alg":"RS256","kid":7}"#, format!(r#"{{"iss":["{ISSUER}"]}}"#)),
        &forged(second(), header("RS256", "JWT", "x"), format!(r#"{{"iss":"{ISSUER}/"}}"#)),
    ] {
        assert!(!service.is_ours(foreign), "{foreign}");
    }
}
