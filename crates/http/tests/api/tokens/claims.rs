//! Claims of the wrong type or content, properly signed.

use serde_json::{Value, json};
use vestibule_test_support::forge::without;

use super::{Stage, labelled};
use crate::app::EXTERNAL_ADDRESS;

#[tokio::test(flavor = "multi_thread")]
async fn d4_every_claim_is_required() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let names: Vec<_> = forge.claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "sid", "sub", "userid"]);
    let mut cases: Vec<_> = names
        .iter()
        .map(|name| (format!("without {name}"), forge.sign(&forge.header, &without(&forge.claims, name))))
        .collect();
    cases.push(("none at all".to_owned(), forge.sign(&forge.header, &json!({}))));
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_times_are_whole_positive_numbers() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let claims = forge.claims.to_string();
    let mut cases = Vec::new();
    for name in ["exp", "iat"] {
        let now = &forge.claims[name];
        let good = format!("\"{name}\":{now}");
        assert!(claims.contains(&good));
        for odd in [
            "\"never\"",
            "\"9999999999\"",
            "1e400",
            "-1e400",
            "1e10",
            "9999999999.5",
            "-1",
            "-0",
            "null",
            "true",
            "[]",
            "{}",
            "[9999999999]",
            "18446744073709551616",
            "18446744073709551615",
            "9223372036854775807",
            "99999999999999999999999999999999",
            "NaN",
            "Infinity",
            "0x7fffffff",
            "09999999999",
            "\"\"",
        ] {
            let claims = claims.replace(&good, &format!("\"{name}\":{odd}"));
            cases.push((format!("{name} {odd}"), forge.sign_text(forge.header.to_string(), claims)));
        }
    }
    // The largest `exp` that is a time at all only says "very late", which is not wrong in itself.
    cases.retain(|(what, _)| what != "exp 9223372036854775807");
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_claim_that_is_not_ours_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let extra = [
        ("nbf", json!("9999999999")),
        ("nbf", json!(9_999_999_999_u64)),
        ("nbf", json!(0)),
        ("azp", json!("somebody")),
        ("permissions", json!({"admin": true})),
        ("service", json!("storage")),
        ("email", json!("ada.moreau@example.com")),
        ("__proto__", json!({"authenticated": true})),
    ];
    let sign = |(name, value): (&str, Value)| {
        (json!({name: value}), forge.sign(&forge.header, &forge.claims_with(name, value)))
    };
    stage.assert_refused(&labelled(extra.map(sign))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_texts_are_texts_and_say_what_they_must() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let issuer = EXTERNAL_ADDRESS;
    let mut cases = Vec::new();
    let mut wrong = |name: &str, value: Value| {
        cases.push((json!({name: value}), forge.sign(&forge.header, &forge.claims_with(name, value))));
    };
    for name in ["iss", "aud", "sub", "userid", "sid", "jti"] {
        let good = forge.claims[name].clone();
        for odd in [json!(7), json!(null), json!(true), json!([good]), json!({"value": good}), json!("")] {
            wrong(name, odd);
        }
        wrong(name, json!(format!("{} ", good.as_str().unwrap())));
        wrong(name, json!(format!("{}\u{0}", good.as_str().unwrap())));
    }
    for name in ["iss", "aud"] {
        for other in [
            format!("{issuer}/"),
            issuer.replace("https", "http"),
            issuer.replace("auth", "AUTH"),
            format!("{issuer}:443"),
            "https://other.example.com".into(),
        ] {
            wrong(name, json!(other));
        }
    }
    wrong("aud", json!([issuer, "storage"]));
    wrong("aud", json!("storage"));
    stage.assert_refused(&labelled(cases)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_session_is_its_own_users_alone() {
    let stage = Stage::set().await;
    let Stage { app, forge, .. } = &stage;
    let other = vestibule_test_support::forge::parts_of(&app.sign_in("github", "linus").await).1;
    let (sub, sid) = (other["sub"].clone(), other["sid"].clone());
    let both =
        vestibule_test_support::forge::with(&forge.claims_with("sub", sub.clone()), "userid", sub.clone());
    let cases = [
        ("another subject", forge.claims_with("sub", sub.clone())),
        ("another userid", forge.claims_with("userid", sub)),
        ("another user with this session", both),
        ("this user with another's session", forge.claims_with("sid", sid)),
        ("a session that never was", forge.claims_with("sid", json!("0".repeat(32)))),
    ];
    let cases = cases.map(|(what, claims)| (what.to_owned(), forge.sign(&forge.header, &claims)));
    stage.assert_refused(&cases).await;
}
