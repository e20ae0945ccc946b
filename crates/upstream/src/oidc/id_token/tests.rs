use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, SHA384, SHA512};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::stated_time::StatedTime;
use super::super::testing::{SigningKey, encode, key_set};
use super::*;

const ISSUER: &str = "https://id.example";
const CLIENT: &str = "vestibule";
const NONCE: &str = "n-0S6_WzA2Mj";
const ACCESS_TOKEN: &str = "an access token";
const NOW: i64 = 1_800_000_000;
const SECONDS: f64 = 1_800_000_000.0;
const NOT_A_TIME: &str = StatedTime::NOT_A_TIME;

static RSA: LazyLock<SigningKey> = LazyLock::new(SigningKey::rsa);
static OTHER_RSA: LazyLock<SigningKey> = LazyLock::new(SigningKey::rsa);
static EC: LazyLock<SigningKey> = LazyLock::new(SigningKey::ec);
static EC_384: LazyLock<SigningKey> = LazyLock::new(SigningKey::ec_384);
static ED: LazyLock<SigningKey> = LazyLock::new(SigningKey::ed);

fn keys() -> KeySet {
    key_set(&[RSA.jwk("r"), EC.jwk("c"), EC_384.jwk("c384"), ED.jwk("d")])
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        additional_audiences: &[],
        nonce: NONCE,
        access_token: ACCESS_TOKEN,
        algorithms: AlgorithmSet::ALL,
        now: Timestamp::from_seconds(NOW),
    }
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "r", "typ": "JWT"})
}

/// Good claims, with the members of `changes` put over them; `null` takes one away.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "1", "aud": CLIENT, "nonce": NONCE, "iat": NOW - 1, "exp": NOW + 3600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn outcome_of(changes: &Value) -> Result<(), String> {
    let token = RSA.token(&header(), &claims(changes));
    reason_of(validate(&token, &keys(), &expected()))
}

fn reason_of(outcome: Result<Claims, IdTokenError>) -> Result<(), String> {
    outcome.map(|_| ()).map_err(|error| error.reason().to_string())
}

#[test]
fn b6_good_claims_pass() {
    for good in [
        json!({}),
        json!({"aud": [CLIENT]}),
        json!({"aud": [CLIENT, "other"], "azp": CLIENT}),
        json!({"azp": CLIENT}),
        json!({"exp": NOW - 59}),
        json!({"iat": NOW + 60}),
        json!({"nbf": NOW}),
        json!({"exp": SECONDS - 58.999, "iat": SECONDS + 59.999, "nbf": SECONDS + 0.5}),
        json!({"exp": 1.8e9 + 3_600.25}),
        json!({"exp": 253_402_300_799_i64}),
        json!({"sub": "x".repeat(255)}),
        json!({"unknown": {"deep": [1, 2]}}),
    ] {
        assert_eq!(outcome_of(&good), Ok(()), "{good}");
    }
}

#[test]
fn b6_each_wrong_claim_is_refused() {
    for (changes, reason) in [
        (json!({"iss": "https://evil.example"}), "iss is another issuer"),
        (json!({"iss": "https://id.example/"}), "iss is another issuer"),
        (json!({"iss": "accounts.google.com"}), "iss is another issuer"),
        (json!({"iss": null}), "iss is missing or not a text"),
        (json!({"iss": [ISSUER]}), "iss is missing or not a text"),
        (json!({"aud": "other"}), "aud does not contain our client id"),
        (json!({"aud": ["other"]}), "aud does not contain our client id"),
        (json!({"aud": []}), "aud does not contain our client id"),
        (json!({"aud": null}), "aud is missing or neither a text nor a list of texts"),
        (json!({"aud": [CLIENT, 7]}), "aud is missing or neither a text nor a list of texts"),
        (
            json!({"aud": [CLIENT, "other"]}),
            "aud has members that are not in additional_audiences, and azp is missing",
        ),
        (json!({"aud": [CLIENT, "other"], "azp": "other"}), "azp is another client"),
        (json!({"azp": "other"}), "azp is another client"),
        (json!({"azp": [CLIENT]}), "azp is another client"),
        (json!({"nonce": "another"}), "nonce is not the one of this sign-in"),
        (json!({"nonce": ""}), "nonce is not the one of this sign-in"),
        (json!({"nonce": null}), "nonce is missing or not a text"),
        (json!({"exp": NOW - 60}), "the id token has expired"),
        (json!({"exp": SECONDS - 59.001}), "the id token has expired"),
        (json!({"exp": 0}), "the id token has expired"),
        (json!({"exp": -1}), NOT_A_TIME),
        (json!({"exp": null}), "exp is missing"),
        (json!({"exp": "never"}), NOT_A_TIME),
        (json!({"exp": 1e300}), NOT_A_TIME),
        (json!({"exp": u64::MAX}), NOT_A_TIME),
        (json!({"exp": 1000 * NOW}), NOT_A_TIME),
        (json!({"exp": [NOW]}), NOT_A_TIME),
        (json!({"iat": NOW + 61}), "the id token is from the future"),
        (json!({"iat": SECONDS + 60.001}), "the id token is from the future"),
        (json!({"iat": i64::MAX}), NOT_A_TIME),
        (json!({"iat": -0.5}), NOT_A_TIME),
        (json!({"iat": null}), "iat is missing"),
        (json!({"iat": "1"}), NOT_A_TIME),
        (json!({"nbf": NOW + 61}), "the id token is from the future"),
        (json!({"nbf": SECONDS + 60.5}), "the id token is from the future"),
        (json!({"nbf": "soon"}), NOT_A_TIME),
        (json!({"sub": null}), "sub is missing or not a text"),
        (json!({"sub": 7}), "sub is missing or not a text"),
        (json!({"sub": ""}), "sub is empty, too long or has control characters"),
        (json!({"sub": "x".repeat(256)}), "sub is empty, too long or has control characters"),
        (json!({"sub": "a\0b"}), "sub is empty, too long or has control characters"),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), "at_hash does not fit the access token"),
        (json!({"at_hash": 7}), "at_hash does not fit the access token"),
    ] {
        assert_eq!(outcome_of(&changes), Err(reason.to_owned()), "{changes}");
    }
}

#[test]
fn b6_an_empty_nonce_is_never_expected() {
    let token = RSA.token(&header(), &claims(&json!({"nonce": ""})));
    let expected = Expected { nonce: "", ..expected() };
    assert!(validate(&token, &keys(), &expected).is_err());
}

#[test]
fn b6_google_may_leave_the_scheme_of_its_name_away() {
    let google = Expected { issuer: OidcSettings::GOOGLE_ISSUER, ..expected() };
    let outcome = |issuer: &str| {
        let token = RSA.token(&header(), &claims(&json!({"iss": issuer})));
        validate(&token, &keys(), &google).is_ok()
    };
    assert!(outcome("https://accounts.google.com") && outcome("accounts.google.com"));
    assert!(!outcome("http://accounts.google.com") && !outcome("accounts.google.com/"));
}

#[test]
fn b6_every_allowed_algorithm_is_verified_with_its_own_hash() {
    let half =
        |algorithm, length| encode(&digest::digest(algorithm, ACCESS_TOKEN.as_bytes()).as_ref()[..length]);
    for (key, algorithm, kid, at_hash) in [
        (&*RSA, "RS256", "r", half(&SHA256, 16)),
        (&*RSA, "RS384", "r", half(&SHA384, 24)),
        (&*RSA, "RS512", "r", half(&SHA512, 32)),
        (&*RSA, "PS256", "r", half(&SHA256, 16)),
        (&*RSA, "PS384", "r", half(&SHA384, 24)),
        (&*RSA, "PS512", "r", half(&SHA512, 32)),
        (&*EC, "ES256", "c", half(&SHA256, 16)),
        (&*EC_384, "ES384", "c384", half(&SHA384, 24)),
        (&*ED, "EdDSA", "d", half(&SHA512, 32)),
        (&*ED, "Ed25519", "d", half(&SHA512, 32)),
    ] {
        let token = key.token(&json!({"alg": algorithm, "kid": kid}), &claims(&json!({"at_hash": at_hash})));
        assert!(validate(&token, &keys(), &expected()).is_ok(), "{algorithm}");
        let only_rs384 = Expected { algorithms: AlgorithmSet::named(&["RS384".to_owned()]), ..expected() };
        assert_eq!(validate(&token, &keys(), &only_rs384).is_ok(), algorithm == "RS384", "{algorithm}");
    }
}

#[test]
fn b6_none_and_hmac_are_refused_whatever_the_signature() {
    let message = |algorithm: &str| {
        format!(
            "{}.{}",
            encode(json!({"alg": algorithm, "kid": "r"}).to_string()),
            encode(claims(&json!({})).to_string())
        )
    };
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS1", "rs256"] {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{signature}", message(algorithm));
            assert!(
                matches!(validate(&token, &keys(), &expected()), Err(IdTokenError::Algorithm { .. })),
                "{algorithm}"
            );
        }
    }
    let jwk = RSA.jwk("r").to_string();
    let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, jwk.as_bytes());
    let signature = encode(aws_lc_rs::hmac::sign(&hmac, message("HS256").as_bytes()));
    let token = format!("{}.{signature}", message("HS256"));
    assert!(matches!(validate(&token, &keys(), &expected()), Err(IdTokenError::Algorithm { .. })));
}

#[test]
fn b6_a_wrong_signature_is_refused() {
    let good = RSA.token(&header(), &claims(&json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = OTHER_RSA.token(&header(), &claims(&json!({})));
    let altered = format!(
        "{}.{}.{signature}",
        encode(header().to_string()),
        encode(claims(&json!({"sub": "2"})).to_string())
    );
    for bad in
        [other, altered, format!("{message}."), format!("{message}.AAAA"), format!("{message}.{signature}=")]
    {
        let outcome = reason_of(validate(&bad, &keys(), &expected()));
        assert_eq!(outcome, Err("the id token's signature is wrong".to_owned()));
    }
}

#[test]
fn b6_without_a_key_id_each_key_that_fits_is_tried() {
    let token = RSA.token(&json!({"alg": "RS256"}), &claims(&json!({})));
    for good in [key_set(&[RSA.jwk("r"), EC.jwk("c")]), key_set(&[OTHER_RSA.jwk("o"), RSA.jwk("r")])] {
        assert!(validate(&token, &good, &expected()).is_ok());
    }
    for stale in [key_set(&[]), key_set(&[OTHER_RSA.jwk("o")])] {
        assert_eq!(validate(&token, &stale, &expected()).map(|_| ()), Err(IdTokenError::UnknownKey));
    }
}

#[test]
fn b6_of_keys_that_share_an_id_equal_ones_are_one_and_a_few_others_are_tried() {
    let token = RSA.token(&header(), &claims(&json!({})));
    let twice = key_set(&[RSA.jwk("r"), RSA.jwk("r"), RSA.jwk("r"), RSA.jwk("r"), RSA.jwk("r")]);
    assert_eq!(twice.candidates(Algorithm::RS256, Some("r")).len(), 1);
    assert!(validate(&token, &twice, &expected()).is_ok());
    let others: Vec<Value> = (0..4).map(|_| SigningKey::rsa().jwk("r")).collect();
    let four = key_set(&[&others[..3], &[RSA.jwk("r")]].concat());
    assert!(validate(&token, &four, &expected()).is_ok());
    let wrong = reason_of(validate(&token, &key_set(&others), &expected()));
    assert_eq!(wrong, Err("the id token's signature is wrong".to_owned()));
    let five = reason_of(validate(&token, &key_set(&[&others[..], &[RSA.jwk("r")]].concat()), &expected()));
    assert_eq!(five, Err("more than four keys of the issuer fit the id token".to_owned()));
    let mut for_another = OTHER_RSA.jwk("r");
    for_another["alg"] = json!("RS512");
    let fitting = key_set(&[for_another, RSA.jwk("r")]);
    assert_eq!(fitting.candidates(Algorithm::RS256, Some("r")).len(), 1, "what does not fit is not tried");
}

#[test]
fn b6_a_refused_algorithm_is_named_with_those_that_are_taken() {
    let named = |algorithm: &str| {
        let token = RSA.token(&json!({"alg": algorithm, "kid": "r"}), &claims(&json!({})));
        let algorithms = AlgorithmSet::named(&["RS256".to_owned(), "ES384".to_owned()]);
        reason_of(validate(&token, &keys(), &Expected { algorithms, ..expected() })).unwrap_err()
    };
    let taken = "and this issuer's may be signed with RS256, ES384";
    assert_eq!(named("ES512"), format!("the id token is signed with ES512, {taken}"));
    assert_eq!(named("PS512"), format!("the id token is signed with PS512, {taken}"));
    assert_eq!(
        named("a\nsecret"),
        format!("the id token is signed with an algorithm of unknown name, {taken}")
    );
}

#[test]
fn b6_an_unknown_key_id_asks_for_newer_keys() {
    for kid in ["new", "", "../../dev/null", "' OR 1=1--"] {
        let token = RSA.token(&json!({"alg": "RS256", "kid": kid}), &claims(&json!({})));
        assert_eq!(validate(&token, &keys(), &expected()).map(|_| ()), Err(IdTokenError::UnknownKey));
    }
}

#[test]
fn b6_the_keys_that_a_header_brings_along_are_not_looked_at() {
    let header =
        json!({"alg": "RS256", "kid": "r", "jwk": OTHER_RSA.jwk("r"), "jku": "https://evil.example/keys"});
    let forged = OTHER_RSA.token(&header, &claims(&json!({})));
    let outcome = reason_of(validate(&forged, &keys(), &expected()));
    assert_eq!(outcome, Err("the id token's signature is wrong".to_owned()));
}

#[test]
fn b6_critical_parameters_and_odd_shapes_are_refused() {
    let critical =
        RSA.token(&json!({"alg": "RS256", "kid": "r", "crit": ["b64"], "b64": false}), &claims(&json!({})));
    let no_object = RSA.token(&header(), &json!(["iss"]));
    let long = RSA.token(&header(), &claims(&json!({"padding": "x".repeat(MAX_LENGTH)})));
    let odd_kid = RSA.token(&json!({"alg": "RS256", "kid": ["r"]}), &claims(&json!({})));
    let encrypted = "a.b.c.d.e".to_owned();
    for bad in
        [critical, no_object, long, odd_kid, encrypted, String::new(), "..".to_owned(), "a.b".to_owned()]
    {
        assert!(matches!(validate(&bad, &keys(), &expected()), Err(IdTokenError::Invalid(_))));
    }
}

proptest! {
    #[test]
    fn b6_no_text_passes_for_a_token(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
        prop_assert!(validate(&text, &keys(), &expected()).is_err());
    }

    #[test]
    fn b6_no_byte_of_a_token_can_be_changed(position in any::<prop::sample::Index>(), byte in "[A-Za-z0-9._-]") {
        let good = RSA.token(&header(), &claims(&json!({})));
        let position = position.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(position..=position, &byte);
        // The last character has bits that are not part of the signature, but those must be zero.
        prop_assert_eq!(validate(&changed, &keys(), &expected()).is_ok(), changed == good);
    }
}

#[test]
fn b7_without_azp_each_further_audience_must_be_one_that_the_settings_name() {
    let known = ["urn:opc:lbaas".to_owned()];
    let check = |claims: &Value| {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        check_audience(&claims, &Expected { additional_audiences: &known, ..expected() })
    };
    assert!(check(&json!({"aud": [CLIENT, "urn:opc:lbaas"]})).is_ok());
    assert!(check(&json!({"aud": ["urn:opc:lbaas", CLIENT], "azp": CLIENT})).is_ok());
    assert!(check(&json!({"aud": [CLIENT, "urn:opc:lbaas", "other"]})).is_err());
    assert!(check(&json!({"aud": ["urn:opc:lbaas"]})).is_err(), "our own id must be among them");
    assert!(check(&json!({"aud": [CLIENT, "urn:opc:lbaas"], "azp": "urn:opc:lbaas"})).is_err());
}
