//! What a header may not say, and how the parts may not be written.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use jsonwebtoken::Algorithm;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use vestibule_test_support::forge::{Forge, encode, without};

use super::{Stage, labelled};

#[tokio::test(flavor = "multi_thread")]
async fn d2_the_key_id_only_names_a_key_of_the_ring() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let kid = forge.header["kid"].as_str().unwrap();
    let odd = [
        json!(""),
        json!("../../../../dev/null"),
        json!("/dev/zero"),
        json!("' OR 1=1--"),
        json!("key.pem\u{0}"),
        json!("k".repeat(2_000)),
        json!(kid[..kid.len() - 1]),
        json!(format!("{kid} ")),
        json!(kid.to_lowercase()),
        json!([kid]),
        json!({"kid": kid}),
        json!(0),
        json!(null),
    ];
    let sign = |kid: Value| (kid.clone(), forge.sign(&forge.header_with("kid", kid), &forge.claims));
    let mut cases = labelled(odd.map(sign));
    cases.push(("no key id".to_owned(), forge.sign(&without(&forge.header, "kid"), &forge.claims)));
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_a_key_that_comes_with_the_token_is_neither_used_nor_fetched() {
    let stage = Stage::set().await;
    let trap = stage.app.control().trap_url();
    let stranger = Forge::stranger(&stage.good);
    let number = |number: &rsa::BigUint| encode(number.to_bytes_be());
    let (n, e) = (number(stranger.private.n()), number(stranger.private.e()));
    let jwk =
        json!({"kty": "RSA", "n": n, "e": e, "alg": "RS256", "use": "sig", "kid": stranger.header["kid"]});
    let mut cases = Vec::new();
    for (member, value) in [
        ("jwk", jwk),
        ("jku", json!(trap)),
        ("x5u", json!(trap)),
        ("x5c", json!([BASE64_STANDARD.encode("a certificate")])),
        ("x5t", json!(encode([1; 20]))),
        ("x5t#S256", json!(encode([1; 32]))),
    ] {
        let header = stranger.header_with(member, value.clone());
        cases.push((format!("{member}, the stranger's signature"), stranger.sign(&header, &stranger.claims)));
        let unnamed = without(&header, "kid");
        cases.push((format!("{member}, no kid"), stranger.sign(&unnamed, &stranger.claims)));
        let ours = stage.forge.header_with(member, value);
        cases.push((format!("{member}, our own signature"), stage.forge.sign(&ours, &stage.forge.claims)));
    }
    stage.assert_refused(&cases).await;
    assert_eq!(stage.app.control().trapped(), 0, "an address in a token was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_header_member_that_is_not_ours_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let members = [
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!(["http://example.com/unknown"])),
        ("crit", json!("exp")),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("anything", json!(null)),
    ];
    let sign = |(member, value): (&str, Value)| {
        (json!({member: value}), forge.sign(&forge.header_with(member, value), &forge.claims))
    };
    let mut cases = labelled(members.map(sign));
    let both = forge.header_with("b64", json!(false));
    let both = vestibule_test_support::forge::with(&both, "crit", json!(["b64"]));
    cases.push(("b64 and crit".to_owned(), forge.sign(&both, &forge.claims)));
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_member_that_stands_twice_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    // Once with the same value and once with another, before the good one and after it.
    let twice = |text: &str, member: &str, value: &Value| {
        let inside = text.trim_start_matches('{').trim_end_matches('}');
        let extra = format!("{}:{value}", json!(member));
        [format!("{{{extra},{inside}}}"), format!("{{{inside},{extra}}}")]
    };
    let mut cases = Vec::new();
    for (member, value) in forge.header.as_object().unwrap() {
        for header in [value, &json!("none")].into_iter().flat_map(|value| twice(&header, member, value)) {
            cases.push((format!("header {header}"), forge.sign_text(&header, &claims)));
        }
    }
    for (member, value) in forge.claims.as_object().unwrap() {
        let other = if value.is_number() { json!(4_000_000_000_u32) } else { json!("root") };
        for claims in [value, &other].into_iter().flat_map(|value| twice(&claims, member, value)) {
            cases.push((format!("claims {claims}"), forge.sign_text(&header, &claims)));
        }
    }
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_text_that_is_not_plain_json_is_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let spoilt = |text: &str| -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            (
                "a byte that is not UTF-8",
                [text.trim_end_matches('}').as_bytes(), b",\"a\":\"\xff\"}"].concat(),
            ),
            ("something behind it", format!("{text} {{}}").into_bytes()),
            ("a comma too many", text.replace('}', ",}").into_bytes()),
            ("an array around it", format!("[{text}]").into_bytes()),
            ("a text around it", json!(text).to_string().into_bytes()),
            ("nothing", b"null".to_vec()),
            ("a number", b"7".to_vec()),
        ]
    };
    let mut cases = Vec::new();
    for (what, bytes) in spoilt(&header) {
        cases.push((format!("{what} in the header"), forge.sign_text(bytes, &claims)));
    }
    for (what, bytes) in spoilt(&claims) {
        cases.push((format!("{what} in the claims"), forge.sign_text(&header, bytes)));
    }
    cases.push(("a token in a token".to_owned(), forge.sign_text(&header, &stage.good)));
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_parts_that_are_not_canonical_base64url_are_refused() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let signed = |message: String| forge.sign_message(&message, Algorithm::RS256);
    // One more space changes no word, and shifts the length so that padding is needed.
    let needs_padding = |text: &str| {
        let padded = (0..3).map(|spaces| format!("{text}{}", " ".repeat(spaces)));
        padded.into_iter().find(|text| text.len() % 3 == 1).unwrap()
    };
    let (long_header, long_claims) = (needs_padding(&header), needs_padding(&claims));
    let (message_part, signature) = stage.good.rsplit_once('.').unwrap();
    let (good_header, good_claims) = message_part.split_once('.').unwrap();
    let cases = [
        ("padded header", signed(format!("{}.{}", BASE64_URL_SAFE.encode(&long_header), encode(&claims)))),
        ("padded claims", signed(format!("{}.{}", encode(&header), BASE64_URL_SAFE.encode(&long_claims)))),
        ("bits left over", signed(format!("{}.{}", encode(&header), with_bits_left_over(&long_claims)))),
        ("padded signature", format!("{}==", stage.good)),
        ("bits left over in the signature", with_last_character_changed(&stage.good)),
        (
            "the standard alphabet",
            signed(format!("{}.{}", encode(&header), BASE64_STANDARD.encode(format!("{claims}   >>>???")))),
        ),
        ("a percent sign", format!("{message_part}%2E{signature}")),
        ("two parts", message_part.to_owned()),
        ("one part", good_header.to_owned()),
        ("four parts", format!("{}.{signature}", stage.good)),
        ("five parts", format!("{good_header}.{good_header}.{good_claims}.{signature}.{signature}")),
        ("an empty header", format!(".{good_claims}.{signature}")),
        ("empty claims", format!("{good_header}..{signature}")),
        ("an empty signature", format!("{message_part}.")),
        ("a dot in front", format!(".{}", stage.good)),
        ("dots alone", "..".to_owned()),
        ("a space inside", format!("{good_header}. {good_claims}.{signature}")),
        ("the parts in another order", format!("{good_claims}.{good_header}.{signature}")),
        ("twice", format!("{0}{0}", stage.good)),
        ("a signature of nothing", format!("{message_part}.AA")),
        ("a signature of zeros", format!("{message_part}.{}", encode([0; 256]))),
        ("a signature one byte longer", format!("{message_part}.{}", encode([7; 257]))),
    ];
    stage.assert_refused(&cases.map(|(what, token)| (what.to_owned(), token))).await;
}

/// Base64url whose last character carries bits that no byte takes up.
fn with_bits_left_over(text: &str) -> String {
    let canonical = encode(text);
    assert_eq!(canonical.len() % 4, 2, "{text:?} leaves four bits over");
    with_last_character_changed(&canonical)
}

/// The same bytes for a reader that does not look at the lowest bit of the last character.
fn with_last_character_changed(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.iter().position(|&character| character == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(alphabet[place ^ 1]))
}
