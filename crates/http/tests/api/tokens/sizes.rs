//! Tokens that are too large, too deep or damaged.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use vestibule_test_support::forge::{encode, message};

use super::Stage;
use crate::clients::ApiClient as _;

#[tokio::test(flavor = "multi_thread")]
async fn d7_what_is_larger_than_any_token_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let signed = |length: usize| {
        let claims = forge.claims_with("jti", json!("j".repeat(length)));
        forge.sign(&forge.header, &claims)
    };
    let padding = (2_000..4_096).find(|&length| signed(length).len() > 4_096).unwrap();
    let cases = [
        ("4,097 letters", "a".repeat(4_097)),
        ("4,097 dots", ".".repeat(4_097)),
        ("4,096 dots", ".".repeat(4_096)),
        ("a signed one that is just too long", signed(padding)),
        ("the good one with a tail", format!("{}{}", stage.good, "A".repeat(4_096))),
        ("a long tail of dots", format!("{}{}", stage.good, ".".repeat(8_000))),
        ("a long signature", format!("{}.{}", message("{}", "{}"), "A".repeat(9_000))),
    ];
    stage.assert_refused(&cases.map(|(what, token)| (what.to_owned(), token))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_json_of_any_depth_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let mut cases = Vec::new();
    for depth in [50, 126, 127, 128, 129, 800] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let inside = |text: &str| text.replace('}', &format!(",\"deep\":{deep}}}"));
        let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
        cases.push((format!("claims inside {depth}"), forge.sign_text(&header, inside(&claims))));
        cases.push((format!("claims of {depth} arrays"), forge.sign_text(&header, &deep)));
        cases.push((format!("header inside {depth}"), forge.sign_text(inside(&header), &claims)));
    }
    for open in ["[", "{\"a\":"] {
        let unclosed = open.repeat(2_500 / open.len());
        cases.push((format!("header of {open}"), format!("{}.e30.AAAA", encode(&unclosed))));
    }
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_no_bit_of_a_token_can_be_changed() {
    let stage = Stage::set().await;
    let good = stage.good.clone();
    let changed = (0..good.len(), 0..8_u32).prop_map(|(place, bit)| {
        let mut bytes = good.clone().into_bytes();
        bytes[place] ^= 1 << bit;
        bytes
    });
    let cut = (0..stage.good.len()).prop_map(|length| stage.good.as_bytes()[..length].to_vec());
    let strategy = prop_oneof![3 => changed, 1 => cut];
    let browser = stage.app.browser();
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let outcome = block_in_place(|| {
        TestRunner::new(config).run(&strategy, |bytes| {
            let escaped = escape(&bytes);
            let answer = Handle::current().block_on(browser.get(&format!("/auth/check?jwt={escaped}")));
            prop_assert_eq!(answer.status.as_u16(), 200);
            prop_assert_eq!(&answer.json()["authenticated"], false);
            Ok(())
        })
    });
    outcome.unwrap();
    let escaped = escape(stage.good.as_bytes());
    assert_eq!(browser.get(&format!("/auth/check?jwt={escaped}")).await.json()["authenticated"], true);
}

/// Every byte in percent encoding, so that any byte can stand in a query.
fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    })
}
