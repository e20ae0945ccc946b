use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use vestibule_domain::{SecureRandom, SystemRandom};

use super::*;

fn generate(kind: OpaqueKind) -> OpaqueSecret {
    OpaqueSecret::generate(kind, &SystemRandom)
}

fn text_of(secret: &OpaqueSecret) -> &str {
    secret.text().expose_secret()
}

/// The characters that come from chance.
fn digits_of(secret: &OpaqueSecret) -> &str {
    text_of(secret).get(5..37).unwrap()
}

/// Bytes that count up, with those in between that no digit is made of.
struct Counting(AtomicU8);

impl SecureRandom for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

#[test]
fn a_secret_has_the_form_that_scanners_look_for() {
    for kind in OpaqueKind::ALL {
        let secret = generate(kind);
        let text = text_of(&secret);
        let (head, body) = text.split_at(5);
        assert_eq!(head, format!("vst{}_", char::from(kind.letter())));
        assert!(body.len() == 38 && body.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{kind:?}");
        assert_eq!(secret.hint(), text.get(39..).unwrap());
        assert_eq!(secret.kind(), kind);
    }
    let letters: String = OpaqueKind::ALL.into_iter().map(|kind| char::from(kind.letter())).collect();
    assert_eq!(letters, "prafcido");
}

/// Bytes that no digit may be made of, and those at the ends of what digits are made of.
struct Edges;

impl SecureRandom for Edges {
    fn fill(&self, bytes: &mut [u8]) {
        bytes
            .iter_mut()
            .zip([248, 255, 0, 61, 62, 247].into_iter().cycle())
            .for_each(|(byte, edge)| *byte = edge);
    }
}

#[test]
fn bytes_that_would_make_some_digits_likelier_make_none() {
    let secret = OpaqueSecret::generate(OpaqueKind::PersonalToken, &Edges);
    assert_eq!(digits_of(&secret), "0z".repeat(16));
}

#[test]
fn h2_the_kind_is_part_of_what_a_secret_is_found_by() {
    let one = OpaqueSecret::generate(OpaqueKind::PersonalToken, &Counting(AtomicU8::new(0)));
    let other = OpaqueSecret::generate(OpaqueKind::RoleToken, &Counting(AtomicU8::new(0)));
    assert_eq!(digits_of(&one), digits_of(&other), "the same random digits");
    assert_ne!(one.digest(), other.digest());
    let renamed = text_of(&one).replacen('p', "r", 1);
    assert!(matches!(OpaqueText::parse(&renamed), Err(OpaqueError::Damaged)), "the checksum covers the kind");
}

#[test]
fn what_is_presented_is_found_by_the_same_digest() {
    for kind in OpaqueKind::ALL {
        let secret = generate(kind);
        let Ok(presented) = OpaqueText::parse(text_of(&secret)) else { panic!("{kind:?}") };
        assert_eq!((presented.kind(), presented.digest()), (kind, secret.digest()));
    }
    let known = "vstp_0123456789ABCDEFGHIJKLMNOPQRSTUV0rpNjO";
    let Ok(secret) = OpaqueText::parse(known) else { panic!("{:?}", checksum::of(&known.as_bytes()[..37])) };
    assert_eq!(secret.digest(), SecretDigest::new(sha256(known.as_bytes())));
}

#[test]
fn what_is_no_secret_of_ours_is_told_from_one_that_is_damaged() {
    let good = text_of(&generate(OpaqueKind::PersonalToken)).to_owned();
    for foreign in [
        "",
        "vst",
        "vstp",
        "vstx_",
        "VSTP_",
        "vstp-",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "ä",
        "vsth.",
    ] {
        assert!(matches!(OpaqueText::parse(foreign), Err(OpaqueError::Foreign)), "{foreign:?}");
    }
    for damaged in [
        "vstp_",
        good.get(..42).unwrap(),
        &format!("{good}0"),
        &format!("{good}\n"),
        &good.replacen('_', "__", 1),
    ] {
        assert!(matches!(OpaqueText::parse(damaged), Err(OpaqueError::Damaged)), "{damaged:?}");
    }
    assert!(matches!(OpaqueText::parse(&format!(" {good}")), Err(OpaqueError::Foreign)));
}

#[test]
fn secrets_are_found_in_any_text() {
    let secrets = OpaqueKind::ALL.map(generate);
    let text = |place: usize| text_of(&secrets[place]);
    let mut log = format!(
        "GET /x?jwt%3D{} \"Bearer {}\"\nvstp_vst{}{}vstp_0123456789ABCDEFGHIJKLMNOPQRSTUV000000",
        text(0),
        text(1),
        text(2),
        text(3)
    )
    .into_bytes();
    log.extend([0xff, 0xfe]);
    log.extend(text(4).as_bytes());
    log.extend(&text(5).as_bytes()[..42]);
    let found: Vec<_> = find_secrets(&log).map(OpaqueText::digest).collect();
    assert_eq!(found, [0, 1, 2, 3, 4].map(|place: usize| secrets[place].digest()));
    assert_eq!(find_secrets(b"").count() + find_secrets(b"vstp_").count(), 0);
}

proptest! {
    #[test]
    fn no_changed_character_passes(place in 0..43_usize, byte in 0x20..0x7f_u8) {
        let secret = generate(OpaqueKind::PersonalToken);
        let mut changed = text_of(&secret).to_owned().into_bytes();
        let was = std::mem::replace(&mut changed[place], byte);
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(OpaqueText::parse(&changed).is_ok(), was == byte);
    }
}
