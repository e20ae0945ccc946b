use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding,
};
use proptest::prelude::*;

use super::*;
use crate::hmac_sha256;

/// A token whose header names this algorithm, with whatever signature.
fn with_signature(alg: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let header = header(alg, "user+jwt", &first().kid);
    let message = format!("{}.{}", base64url(header), base64url(good_claims().to_string()));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", base64url(signature))
}

#[test]
fn d1_none_in_any_spelling_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", "none ", ""] {
        assert_eq!(refused(&with_signature(alg, |_| b"x".to_vec())), TokenRefused::Algorithm, "{alg:?}");
        assert_eq!(refused(&with_signature(alg, |_| Vec::new())), TokenRefused::Shape, "{alg:?}");
        let signed = with_signature(alg, |message| first().sign(&RSA_PKCS1_SHA256, message));
        assert_eq!(refused(&signed), TokenRefused::Algorithm, "{alg:?}");
    }
}

#[test]
fn d1_an_empty_signature_is_refused() {
    assert_eq!(refused(&with_signature("RS256", |_| Vec::new())), TokenRefused::Shape);
    let (service, _) = service();
    let token = user_token(&service);
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(refused(message), TokenRefused::Shape);
    assert_eq!(refused(&format!("{message}.")), TokenRefused::Shape);
}

#[test]
fn d1_the_public_key_is_no_hmac_secret() {
    let key = first();
    let secrets: [&[u8]; 6] = [
        key.spki.as_bytes(),
        key.spki.trim_end().as_bytes(),
        key.public_pkcs1.as_bytes(),
        key.public_pkcs1.trim_end().as_bytes(),
        &key.public_der,
        &key.modulus,
    ];
    for secret in secrets {
        let sign = |message: &[u8]| hmac_sha256(secret, message).to_vec();
        assert_eq!(refused(&with_signature("HS256", sign)), TokenRefused::Algorithm);
        assert_eq!(refused(&with_signature("RS256", sign)), TokenRefused::Signature);
    }
}

#[test]
fn d1_other_rsa_schemes_and_curves_are_refused() {
    let schemes: [(&str, &'static dyn RsaEncoding); 2] =
        [("RS384", &RSA_PKCS1_SHA384), ("PS256", &RSA_PSS_SHA256)];
    for (alg, scheme) in schemes {
        let sign = |message: &[u8]| first().sign(scheme, message);
        assert_eq!(refused(&with_signature(alg, sign)), TokenRefused::Algorithm, "{alg}");
        assert_eq!(refused(&with_signature("RS256", sign)), TokenRefused::Signature, "{alg}");
    }
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let sign = |message: &[u8]| curve.sign(&random, message).unwrap().as_ref().to_vec();
    assert_eq!(refused(&with_signature("ES256", sign)), TokenRefused::Algorithm);
    assert_eq!(refused(&with_signature("RS256", sign)), TokenRefused::Signature);
}

#[test]
fn d1_a_token_of_another_key_is_refused_under_our_key_id() {
    assert_eq!(refused(&forged(second(), good_header(), good_claims().to_string())), TokenRefused::Signature);
}

#[test]
fn d2_a_key_id_only_looks_up_a_key_that_is_held() {
    for kid in ["../../dev/null", "' OR 1=1--", "", "https://evil.example/key", &second().kid, "\\u0000", "*"]
    {
        let token = forged(first(), header("RS256", "user+jwt", kid), good_claims().to_string());
        assert_eq!(refused(&token), TokenRefused::UnknownKey, "{kid}");
    }
    let kid = &first().kid;
    for kid in [format!(r#"["{kid}"]"#), "null".into(), "1".into(), format!(r#"{{"kid":"{kid}"}}"#)] {
        let header = format!(r#"{{"alg":"RS256","typ":"user+jwt","kid":{kid}}}"#);
        assert_eq!(refused(&forged(first(), header, "{}")), TokenRefused::Header, "{kid}");
    }
    let absent = forged(first(), r#"{"alg":"RS256","typ":"user+jwt"}"#, good_claims().to_string());
    assert_eq!(refused(&absent), TokenRefused::Header);
    let large = forged(first(), header("RS256", "user+jwt", &"x".repeat(1_000_000)), "{}");
    assert_eq!(refused(&large), TokenRefused::TooLarge);
}

#[test]
fn d2_d3_a_header_with_anything_more_is_refused() {
    let key = format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, base64url(&second().modulus));
    for member in [
        format!(r#""jwk":{key}"#),
        r#""jku":"https://evil.example/jwks.json""#.into(),
        r#""x5u":"https://evil.example/chain.pem""#.into(),
        r#""x5c":["AAAA"]"#.into(),
        r#""crit":["exp"]"#.into(),
        r#""crit":[]"#.into(),
        r#""b64":false"#.into(),
        r#""zip":"DEF""#.into(),
        r#""cty":"JWT""#.into(),
        r#""alg":"RS256""#.into(),
        r#""kid":"x""#.into(),
        r#""typ":"user+jwt""#.into(),
        r#""":1"#.into(),
    ] {
        let good = good_header();
        let header = format!("{},{member}}}", good.strip_suffix('}').unwrap());
        assert_eq!(
            refused(&forged(first(), header, good_claims().to_string())),
            TokenRefused::Header,
            "{member}"
        );
    }
}

#[test]
fn d3_a_header_that_is_not_plain_json_is_refused() {
    let good = good_header();
    let bom = format!("\u{feff}{good}");
    let trailing = format!("{good}{{}}");
    let nested = forged(first(), &good, "{}");
    let mut invalid = good.clone().into_bytes();
    invalid[9] = 0xff;
    for header in [bom.as_bytes(), trailing.as_bytes(), nested.as_bytes(), &invalid, b"[]", b"null", b"{}"] {
        assert_eq!(refused(&forged(first(), header, good_claims().to_string())), TokenRefused::Header);
    }
}

#[test]
fn d3_only_canonical_base64url_is_read() {
    let (service, _) = service();
    let token = user_token(&service);
    let parts: Vec<&str> = token.split('.').collect();
    for index in 0..3 {
        for change in ["=", "==", "\n", " ", "+", "/", "*", "%3D"] {
            let mut parts = parts.clone();
            let changed = format!("{}{change}", parts[index]);
            parts[index] = &changed;
            assert_eq!(refused(&parts.join(".")), TokenRefused::Encoding, "part {index}, {change:?}");
        }
    }
    // 256 bytes leave four unused bits in the last character, which must be zero.
    let (rest, last) = token.split_at(token.len() - 1);
    let sextet =
        |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".find(c).unwrap();
    let next = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .chars()
        .nth(sextet(last.chars().next().unwrap()) + 1)
        .unwrap();
    assert_eq!(refused(&format!("{rest}{next}")), TokenRefused::Encoding);
}

#[test]
fn d4_every_claim_is_required_and_of_its_type() {
    assert!(verify_claims(good_claims().to_string()).is_ok());
    let values = [
        json!(null),
        json!(1.5),
        json!(-1),
        json!([]),
        json!({}),
        json!(true),
        json!([ISSUER]),
        json!(u64::MAX),
    ];
    for claim in ["iss", "sub", "userid", "aud", "sid", "iat", "exp", "jti"] {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(verify_claims(claims.to_string()), Err(TokenRefused::Claims), "{claim} missing");
        for value in &values {
            let mut claims = good_claims();
            claims[claim] = value.clone();
            assert_eq!(verify_claims(claims.to_string()), Err(TokenRefused::Claims), "{claim}: {value}");
        }
    }
}

#[test]
fn d4_times_are_whole_numbers_and_nothing_else() {
    let good = good_claims().to_string();
    let exp = (START.seconds() + 3600).to_string();
    for time in [
        "\"never\"",
        "\"9999999999\"",
        "1e400",
        "1e10",
        "9999999999.0",
        "-1",
        "-0",
        "0x1",
        "01",
        "99999999999999999999",
    ] {
        let claims = good.replace(&exp, time);
        assert_ne!(claims, good);
        assert_eq!(verify_claims(claims), Err(TokenRefused::Claims), "{time}");
    }
}

#[test]
fn d4_claims_are_refused_twice_unknown_or_empty() {
    let good = good_claims().to_string();
    let open = good.strip_suffix('}').unwrap();
    for more in [
        r#""exp":9999999999"#,
        r#""sub":"eve""#,
        r#""nbf":"9999999999""#,
        r#""nbf":9999999999"#,
        r#""admin":true"#,
    ] {
        assert_eq!(verify_claims(format!("{open},{more}}}")), Err(TokenRefused::Claims), "{more}");
    }
    for claims in ["", "null", "[]", "{}", "\u{feff}{}"] {
        // Nothing at all is not even a part.
        let expected = if claims.is_empty() { TokenRefused::Shape } else { TokenRefused::Claims };
        assert_eq!(verify_claims(claims), Err(expected), "{claims}");
    }
    assert_eq!(verify_claims(b"{\"iss\":\"\xff\"}"), Err(TokenRefused::Claims));
}

#[test]
fn d4_the_subject_is_one_user_by_both_names() {
    for (claim, value) in [("userid", "eve"), ("sub", "eve"), ("sub", ""), ("sid", ""), ("jti", "a b")] {
        let mut claims = good_claims();
        claims[claim] = json!(value);
        assert_eq!(verify_claims(claims.to_string()), Err(TokenRefused::Claims), "{claim}");
    }
}

#[test]
fn d4_issuer_and_audience_are_ours_to_the_letter() {
    for other in ["https://auth.example.com/", "https://AUTH.example.com", "https://evil.example", ""] {
        for (claim, reason) in [("iss", TokenRefused::Issuer), ("aud", TokenRefused::Audience)] {
            let mut claims = good_claims();
            claims[claim] = json!(other);
            assert_eq!(verify_claims(claims.to_string()), Err(reason), "{claim}: {other}");
        }
    }
}

#[test]
fn d5_a_token_lives_its_time_and_one_minute() {
    let (service, clock) = service();
    let token = user_token(&service);
    let end = START.plus(USER_TTL);
    let second = Duration::from_secs(1);
    let at = |now: Timestamp| {
        clock.set(now);
        service.verify_user_token(&token).err()
    };
    assert_eq!(at(end.minus(Duration::from_secs(61))), None);
    assert_eq!(at(end.plus(LEEWAY).minus(second)), None);
    assert_eq!(at(end.plus(LEEWAY)), Some(TokenRefused::Expired));
    assert_eq!(at(end.plus(Duration::from_secs(61))), Some(TokenRefused::Expired));
    assert_eq!(at(START.plus(Duration::from_secs(15 * 24 * 3600))), Some(TokenRefused::Expired));
    assert_eq!(at(START), None, "a clock that is set right again makes the token good again");
}

#[test]
fn d5_a_clock_that_goes_back_refuses_tokens_of_the_future_and_never_panics() {
    let (service, clock) = service();
    let token = user_token(&service);
    clock.set(START.minus(LEEWAY));
    assert!(service.verify_user_token(&token).is_ok());
    clock.set(START.minus(Duration::from_secs(61)));
    assert_eq!(service.verify_user_token(&token), Err(TokenRefused::IssuedInFuture));
    for extreme in [i64::MIN, -1, 0, i64::MAX] {
        clock.set(Timestamp::from_micros(extreme));
        assert!(service.verify_user_token(&token).is_err());
        let _issued = service.issue_user_token(&user(), &session(), far());
        let name = ServiceName::parse("s").unwrap();
        assert!(service.issue_permission_token(&user(), &name, &Map::new()).is_ok());
        assert_eq!(service.jwks().keys.len(), 1);
    }
}

#[test]
fn a_sign_out_takes_a_token_from_up_to_a_day_ahead_and_none_that_has_expired() {
    let (service, clock) = service();
    let token = user_token(&service);
    let (second, day) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
    let at = |now: Timestamp| {
        clock.set(now);
        service.verify_user_token_of_any_clock(&token).map(|claims| claims.session_id.clone())
    };
    assert_eq!(at(START), Ok(session()));
    assert_eq!(at(START.minus(day)), Ok(session()));
    assert_eq!(service.verify_user_token(&token), Err(TokenRefused::IssuedInFuture), "for anything else");
    assert_eq!(at(START.minus(day + second)), Err(TokenRefused::IssuedInFuture));
    let end = START.plus(USER_TTL + LEEWAY);
    assert_eq!(at(end.minus(second)), Ok(session()));
    assert_eq!(at(end), Err(TokenRefused::Expired));
}

#[test]
fn d6_the_kinds_are_not_interchangeable() {
    let (service, _) = service();
    assert_eq!(service.verify_user_token(&permission_token(&service)), Err(TokenRefused::Kind));
    for typ in ["JWT", "at+jwt", "jwt", "USER+JWT", "user+jwt ", "application/user+jwt", "permission+jwt", ""]
    {
        let token = forged(first(), header("RS256", typ, &first().kid), good_claims().to_string());
        assert_eq!(refused(&token), TokenRefused::Kind, "{typ}");
    }
    // A permission token in the header of a user token still has the claims of a permission token.
    let claims = part(&permission_token(&service), 1);
    assert_eq!(refused(&forged(first(), good_header(), claims)), TokenRefused::Claims);
    let sealed = service.seal(crate::SealPurpose::LoginAttempt, b"state").unwrap();
    assert_eq!(refused(&sealed), TokenRefused::Shape);
}

#[test]
fn d7_size_and_shape_are_looked_at_first() {
    let (service, _) = service();
    let good = user_token(&service);
    assert_eq!(refused(&".".repeat(1_000_000)), TokenRefused::TooLarge);
    assert_eq!(refused(&"a".repeat(4097)), TokenRefused::TooLarge);
    assert_eq!(refused(&"a".repeat(4096)), TokenRefused::Shape);
    for odd in
        ["", ".", "..", "...", &".".repeat(4096), "a.b", "a.b.c.d", &format!("{good}."), &format!(".{good}")]
    {
        assert_eq!(refused(odd), TokenRefused::Shape, "{odd}");
    }
}

#[test]
fn d7_deep_json_is_refused_without_recursion() {
    let deep = "[".repeat(1500);
    assert_eq!(refused(&forged(first(), &deep, "{}")), TokenRefused::Header);
    assert_eq!(refused(&forged(first(), format!(r#"{{"x":{deep}"#), "{}")), TokenRefused::Header);
    assert_eq!(verify_claims(&deep), Err(TokenRefused::Claims));
    assert_eq!(verify_claims(format!(r#"{{"iss":{deep}"#)), Err(TokenRefused::Claims));
}

proptest! {
    #[test]
    fn d3_no_text_at_all_is_a_token(text in "\\PC{0,200}|[A-Za-z0-9_.=-]{0,300}|(e[A-Za-z0-9_-]{0,40}\\.){2}[A-Za-z0-9_-]{0,60}") {
        prop_assert!(service().0.verify_user_token(&text).is_err());
    }

    #[test]
    fn d3_no_signed_bytes_but_ours_are_a_token(header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
        prop_assert!(service().0.verify_user_token(&forged(first(), header, &claims)).is_err());
        prop_assert!(verify_claims(claims).is_err());
    }

    #[test]
    fn d1_any_flipped_bit_is_refused(position in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let (service, _) = service();
        let mut bytes = user_token(&service).into_bytes();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert!(service.verify_user_token(&String::from_utf8_lossy(&bytes)).is_err());
    }
}

#[test]
fn b3_d1_a_token_of_another_deployment_is_refused() {
    let (ours, _) = service();
    let (theirs, _) = service_with(second().ring(), ISSUER);
    assert_eq!(ours.verify_user_token(&user_token(&theirs)), Err(TokenRefused::UnknownKey));
}
