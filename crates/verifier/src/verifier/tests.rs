use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use proptest::prelude::*;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://auth.example.com";
const SERVICE: &str = "annotations";
const NOW: u64 = 1_763_806_113;

/// A signing key, and its public half in the forms in which a service gets it.
struct TestKey {
    signing: EncodingKey,
    spki: String,
    pkcs1: String,
    jwk: Value,
    kid: String,
}

impl TestKey {
    fn new(bits: usize, exponent: u32) -> Self {
        let key = RsaPrivateKey::new_with_exp(&mut OsRng, bits, &BigUint::from(exponent)).unwrap();
        let signing = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
        let public = key.to_public_key();
        let (n, e) = (base64url(key.n().to_bytes_be()), base64url(key.e().to_bytes_be()));
        let jwk = json!({"kty": "RSA", "n": n, "e": e});
        let kid = serde_json::from_value::<jsonwebtoken::jwk::Jwk>(jwk.clone())
            .unwrap()
            .thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256)
            .unwrap();
        Self {
            signing,
            spki: public.to_public_key_pem(LineEnding::LF).unwrap(),
            pkcs1: public.to_pkcs1_pem(LineEnding::LF).unwrap(),
            jwk: json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": jwk["n"], "e": jwk["e"]}),
            kid,
        }
    }

    fn token(&self, claims: &Value) -> String {
        self.token_of("permission+jwt", claims)
    }

    fn token_of(&self, typ: &str, claims: &Value) -> String {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, claims, &self.signing).unwrap()
    }

    /// A token with these very bytes for a header.
    fn token_with_header(&self, header: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims().to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, Algorithm::RS256).unwrap();
        format!("{message}.{signature}")
    }
}

fn first() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::new(2048, 65_537))
}

fn second() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::new(2048, 65_537))
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "ada", "userid": "ada", "service": SERVICE, "permissions": {"read": true, "write": false,
        "admin": "true", "groups": ["a"]}, "iat": NOW, "exp": NOW + 900, "jti": "token-1"})
}

fn changed(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

fn jwks(keys: &[&Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn verifier() -> Verifier {
    Verifier::new(ISSUER, SERVICE).with_jwks(&jwks(&[&first().jwk])).unwrap()
}

fn refused(token: &str) -> VerifyError {
    verifier().verify(token, NOW).unwrap_err()
}

#[test]
fn a_good_token_grants_what_it_says() {
    let grant = verifier().verify(&first().token(&claims()), NOW).unwrap();
    assert_eq!((grant.user_id.as_str(), grant.service.as_str()), ("ada", SERVICE));
    assert_eq!((grant.issued_at, grant.expires_at, grant.token_id.as_str()), (NOW, NOW + 900, "token-1"));
    assert_eq!(Value::Object(grant.permissions.clone()), claims()["permissions"]);
    let allowed: Vec<_> =
        ["read", "write", "admin", "groups", "none"].into_iter().filter(|name| grant.allows(name)).collect();
    assert_eq!(allowed, ["read"]);
}

#[test]
fn a_key_can_be_given_in_every_form() {
    let token = first().token(&claims());
    for pem in [&first().spki, &first().pkcs1] {
        let verifier = Verifier::new(ISSUER, SERVICE).with_public_key_pem(pem).unwrap();
        assert!(verifier.verify(&token, NOW).is_ok());
    }
}

#[test]
fn m2_several_keys_verify_by_their_ids() {
    let both = Verifier::new(ISSUER, SERVICE).with_jwks(&jwks(&[&first().jwk, &second().jwk])).unwrap();
    let one_by_one =
        verifier().with_public_key_pem(&first().spki).unwrap().with_public_key_pem(&second().spki).unwrap();
    for verifier in [both, one_by_one] {
        for key in [first(), second()] {
            assert!(verifier.verify(&key.token(&claims()), NOW).is_ok());
        }
    }
    assert_eq!(refused(&second().token(&claims())), VerifyError::UnknownKey);
    let none = Verifier::new(ISSUER, SERVICE).verify(&first().token(&claims()), NOW);
    assert_eq!(none, Err(VerifyError::UnknownKey));
}

#[test]
fn d6_a_user_token_is_no_permission_token() {
    let user = json!({"iss": ISSUER, "sub": "ada", "userid": "ada", "aud": ISSUER, "sid": "s", "iat": NOW,
        "exp": NOW + 900, "jti": "token-1"});
    assert_eq!(refused(&first().token_of("user+jwt", &user)), VerifyError::Kind);
    assert_eq!(refused(&first().token(&user)), VerifyError::Claims);
    for typ in ["JWT", "at+jwt", "permission+JWT", ""] {
        assert_eq!(refused(&first().token_of(typ, &claims())), VerifyError::Kind, "{typ}");
    }
}

#[test]
fn d6_a_token_for_another_service_or_of_another_issuer_is_refused() {
    for service in ["other", "Annotations", "annotations ", ""] {
        assert_eq!(refused(&first().token(&changed("service", json!(service)))), VerifyError::Service);
    }
    assert_eq!(refused(&first().token(&changed("aud", json!("other")))), VerifyError::Service);
    for issuer in ["https://evil.example", "https://auth.example.com/", ""] {
        assert_eq!(refused(&first().token(&changed("iss", json!(issuer)))), VerifyError::Issuer);
    }
}

#[test]
fn d1_other_algorithms_are_refused() {
    for alg in ["none", "None", "HS256", "RS384", "PS256", "ES256", ""] {
        let header = json!({"alg": alg, "typ": "permission+jwt", "kid": first().kid}).to_string();
        assert_eq!(refused(&first().token_with_header(&header)), VerifyError::Algorithm, "{alg}");
    }
    let secret = EncodingKey::from_secret(first().spki.as_bytes());
    let header = json!({"alg": "RS256", "typ": "permission+jwt", "kid": first().kid}).to_string();
    let message = format!("{}.{}", base64url(header), base64url(claims().to_string()));
    let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
    assert_eq!(refused(&format!("{message}.{mac}")), VerifyError::Signature);
}

#[test]
fn d1_a_token_without_a_signature_is_malformed() {
    let good = first().token(&claims());
    let (message, _) = good.rsplit_once('.').unwrap();
    assert_eq!([message, &format!("{message}.")].map(refused), [VerifyError::Malformed; 2]);
}

#[test]
fn d2_d3_a_header_with_anything_else_is_refused() {
    let kid = &first().kid;
    for header in [
        format!(r#"{{"alg":"RS256","typ":"permission+jwt","kid":"{kid}","crit":["exp"]}}"#),
        format!(r#"{{"alg":"RS256","typ":"permission+jwt","kid":"{kid}","jwk":{}}}"#, second().jwk),
        format!(r#"{{"alg":"RS256","typ":"permission+jwt","kid":"{kid}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","typ":"permission+jwt","kid":["{kid}"]}}"#),
        r#"{"alg":"RS256","typ":"permission+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#),
        "[]".to_owned(),
    ] {
        assert_eq!(refused(&first().token_with_header(&header)), VerifyError::Malformed, "{header}");
    }
}

#[test]
fn d4_every_claim_is_required_and_of_its_type() {
    for claim in ["iss", "sub", "userid", "service", "permissions", "iat", "exp", "jti"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(claim);
        assert_eq!(refused(&first().token(&without)), VerifyError::Claims, "{claim}");
        for value in [json!(null), json!(1.5), json!(-1), json!([]), json!(true)] {
            assert_eq!(refused(&first().token(&changed(claim, value))), VerifyError::Claims, "{claim}");
        }
    }
    assert_eq!(refused(&first().token(&changed("exp", json!("9999999999")))), VerifyError::Claims);
    assert_eq!(refused(&first().token(&changed("nbf", json!("9999999999")))), VerifyError::Claims);
    assert_eq!(refused(&first().token(&changed("sub", json!("eve")))), VerifyError::Claims);
}

#[test]
fn a_claim_that_a_later_version_adds_is_passed_over() {
    assert!(verifier().verify(&first().token(&changed("later", json!({"x": 1}))), NOW).is_ok());
}

#[test]
fn d5_a_token_lives_its_time_and_the_leeway() {
    let token = first().token(&claims());
    let at = |leeway, now| verifier().with_leeway(Duration::from_secs(leeway)).verify(&token, now).err();
    let end = NOW + 900;
    assert_eq!(verifier().verify(&token, end + 29).err(), None);
    assert_eq!(verifier().verify(&token, end + 30).err(), Some(VerifyError::Expired));
    assert_eq!(at(0, end - 1), None);
    assert_eq!(at(0, end), Some(VerifyError::Expired));
    assert_eq!(at(86_400, end + 300), Some(VerifyError::Expired), "the leeway is bounded");
    assert_eq!(at(30, NOW - 30), None);
    assert_eq!(at(30, NOW - 31), Some(VerifyError::NotYetValid));
    assert_eq!(at(30, 0), Some(VerifyError::NotYetValid));
    assert_eq!(at(30, u64::MAX), Some(VerifyError::Expired));
    let later = first().token(&changed("nbf", json!(NOW + 100)));
    assert_eq!(verifier().verify(&later, NOW), Err(VerifyError::NotYetValid));
}

#[test]
fn d7_size_and_shape_are_looked_at_first() {
    assert_eq!(refused(&".".repeat(1_000_000)), VerifyError::TooLarge);
    let large = changed("permissions", json!({"x": "y".repeat(128 * 1024)}));
    assert_eq!(refused(&first().token(&large)), VerifyError::TooLarge);
    let good = first().token(&claims());
    for odd in [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        &format!("{good}="),
        &format!("{good}."),
        good.trim_start_matches('e'),
    ] {
        assert_eq!(refused(odd), VerifyError::Malformed, "{odd}");
    }
    let deep = first().token_with_header(&"[".repeat(50_000));
    assert_eq!(refused(&deep), VerifyError::Malformed);
}

#[test]
fn m4_weak_keys_are_refused() {
    let short = TestKey::new(1024, 65_537);
    let three = TestKey::new(2048, 3);
    let with_jwk = |key: &TestKey| Verifier::new("i", "s").with_jwks(&jwks(&[&key.jwk])).unwrap_err();
    let with_pem = |key: &TestKey| Verifier::new("i", "s").with_public_key_pem(&key.spki).unwrap_err();
    assert_eq!([with_jwk(&short), with_pem(&short)], [KeyError::Length { bits: 1024 }; 2]);
    assert_eq!([with_jwk(&three), with_pem(&three)], [KeyError::Exponent; 2]);
    for (member, value, error) in [
        ("e", json!("AQ"), KeyError::Exponent),
        ("e", json!(""), KeyError::Exponent),
        ("e", json!("AQABAQABAQAB"), KeyError::Exponent),
        ("n", json!(""), KeyError::Length { bits: 0 }),
        ("n", json!("*"), KeyError::NotRsa),
        ("n", json!(null), KeyError::NotRsa),
        ("kid", json!(null), KeyError::NotRsa),
    ] {
        let mut key = first().jwk.clone();
        key[member] = value;
        assert_eq!(Verifier::new("i", "s").with_jwks(&jwks(&[&key])).unwrap_err(), error, "{key}");
    }
}

#[test]
fn keys_are_taken_from_2048_to_8192_bits() {
    // The highest of so many bits, and the lowest.
    let modulus = |bits: usize| {
        let mut bytes = vec![0; bits.div_ceil(8)];
        bytes[0] |= 1 << ((bits - 1) % 8);
        *bytes.last_mut().unwrap() |= 1;
        bytes
    };
    let read = |bytes: Vec<u8>| {
        let mut key = first().jwk.clone();
        key["n"] = json!(base64url(bytes));
        Verifier::new("i", "s").with_jwks(&jwks(&[&key])).err()
    };
    for (bits, error) in [
        (2047, Some(KeyError::Length { bits: 2047 })),
        (2048, None),
        (8192, None),
        (8193, Some(KeyError::Length { bits: 8193 })),
    ] {
        assert_eq!(read(modulus(bits)), error, "{bits}");
    }
    assert_eq!(read([vec![0], modulus(2048)].concat()), None, "zeros in front do not count");
    assert_eq!(read([vec![0], modulus(2047)].concat()), Some(KeyError::Length { bits: 2047 }));
}

#[test]
fn exponents_are_odd_from_65537_to_33_bits() {
    for (exponent, is_good) in [
        (65_535, false),
        (65_537, true),
        (65_538, false),
        (65_539, true),
        ((1 << 33) - 1, true),
        ((1 << 33) + 1, false),
        (u128::from(u64::MAX), false),
        ((1 << 64) + 65_537, false),
        (u128::MAX, false),
    ] {
        let mut key = first().jwk.clone();
        key["e"] = json!(base64url(exponent.to_be_bytes()));
        let error = Verifier::new("i", "s").with_jwks(&jwks(&[&key])).err();
        assert_eq!(error, (!is_good).then_some(KeyError::Exponent), "{exponent}");
    }
}

#[test]
fn a_token_of_128_kib_is_looked_at_and_a_longer_one_is_not() {
    assert_eq!(refused(&"a".repeat(128 * 1024)), VerifyError::Malformed);
    assert_eq!(refused(&"a".repeat(128 * 1024 + 1)), VerifyError::TooLarge);
}

#[test]
fn a_token_is_of_somebody_and_may_name_the_service_as_its_audience() {
    let mut nobody = changed("sub", json!(""));
    nobody["userid"] = json!("");
    assert_eq!(refused(&first().token(&nobody)), VerifyError::Claims);
    assert!(verifier().verify(&first().token(&changed("aud", json!(SERVICE))), NOW).is_ok());
    let begun = first().token(&changed("nbf", json!(NOW + 30)));
    assert!(verifier().verify(&begun, NOW).is_ok(), "within the leeway");
}

#[test]
fn debug_shows_whose_tokens_are_taken_and_by_which_keys() {
    let shown = format!("{:?}", verifier());
    for part in [ISSUER, SERVICE, "30s", &first().kid] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn keys_for_something_else_are_passed_over() {
    let curve = json!({"kty": "EC", "crv": "P-256", "kid": "x", "x": "AA", "y": "AA"});
    let with = |member: &str, value: Value| {
        let mut key = second().jwk.clone();
        key[member] = value;
        key
    };
    let (encryption, other) = (with("use", json!("enc")), with("alg", json!("RS512")));
    let odd = json!(7);
    let verifier = Verifier::new(ISSUER, SERVICE)
        .with_jwks(&jwks(&[&curve, &encryption, &other, &odd, &first().jwk]))
        .unwrap();
    assert!(verifier.verify(&first().token(&claims()), NOW).is_ok());
    assert_eq!(verifier.verify(&second().token(&claims()), NOW), Err(VerifyError::UnknownKey));
    let none = Verifier::new(ISSUER, SERVICE).with_jwks(&jwks(&[&curve]));
    assert_eq!(none.unwrap_err(), KeyError::NoKeys);
}

#[test]
fn what_is_no_key_is_named() {
    let pem = |text: &str| Verifier::new("i", "s").with_public_key_pem(text).unwrap_err();
    assert_eq!(pem(""), KeyError::NotPem);
    assert_eq!(pem(&first().spki.replace("PUBLIC", "PRIVATE")), KeyError::NotPem);
    assert_eq!(pem("-----BEGIN PUBLIC KEY-----\nAAEC\n-----END PUBLIC KEY-----"), KeyError::NotRsa);
    for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
        assert_eq!(Verifier::new("i", "s").with_jwks(text).unwrap_err(), KeyError::NotAJwkSet, "{text}");
    }
}

proptest! {
    #[test]
    fn d1_any_flipped_bit_is_refused(position in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = first().token(&claims()).into_bytes();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert!(verifier().verify(&String::from_utf8_lossy(&bytes), NOW).is_err());
    }

    #[test]
    fn d3_no_text_at_all_is_a_token(text in "\\PC{0,200}|[A-Za-z0-9_.=-]{0,300}") {
        prop_assert!(verifier().verify(&text, NOW).is_err());
    }
}
