use proptest::prelude::*;

use super::*;
use crate::SealError;
use crate::SealPurpose::{LoginAttempt, SessionHandle};

#[test]
fn what_is_sealed_opens() {
    let (service, _) = service();
    for plaintext in [&b""[..], b"x", &[0xff; 3000]] {
        let sealed = service.seal(LoginAttempt, plaintext).unwrap();
        assert_eq!(service.open(LoginAttempt, &sealed).unwrap(), plaintext);
        assert!(sealed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}

#[test]
fn m5_the_same_text_is_sealed_differently_each_time() {
    let (service, _) = service();
    assert_ne!(service.seal(LoginAttempt, b"x"), service.seal(LoginAttempt, b"x"));
}

#[test]
fn m5_b3_another_deployment_opens_nothing() {
    let (ours, _) = service();
    let sealed = ours.seal(LoginAttempt, b"text").unwrap();
    let (other_key, _) = service_with(second().ring(), ISSUER);
    assert_eq!(other_key.open(LoginAttempt, &sealed), None);
    let (other_issuer, _) = service_with(first().ring(), "https://staging.example.com");
    assert_eq!(other_issuer.open(LoginAttempt, &sealed), None);
    let (replica, _) = service();
    assert_eq!(replica.open(LoginAttempt, &sealed).unwrap(), b"text");
}

#[test]
fn d6_what_is_sealed_for_one_purpose_opens_for_no_other() {
    let (service, _) = service();
    for (sealed_for, other) in [(LoginAttempt, SessionHandle), (SessionHandle, LoginAttempt)] {
        let sealed = service.seal(sealed_for, b"text").unwrap();
        assert_eq!(service.open(other, &sealed), None, "{other:?}");
        assert_eq!(service.open(sealed_for, &sealed).unwrap(), b"text");
    }
}

#[test]
fn d7_a_handle_fills_a_kibibyte_at_most_and_what_is_longer_is_not_looked_at() {
    let (service, _) = service();
    assert_eq!(service.seal(SessionHandle, &[7; 731]).unwrap().len(), 1024);
    assert_eq!(service.seal(SessionHandle, &[7; 732]), Err(SealError::TooLarge));
    let of_an_address = service.seal(LoginAttempt, &[7; 732]).unwrap();
    assert!(of_an_address.len() > 1024 && service.open(LoginAttempt, &of_an_address).is_some());
}

#[test]
fn too_much_for_a_browser_to_carry_is_not_sealed() {
    let (service, _) = service();
    assert_eq!(service.seal(LoginAttempt, &[0; 8192]), Err(SealError::TooLarge));
    assert_eq!(service.open(LoginAttempt, &"A".repeat(1_000_000)), None);
}

#[test]
fn the_longest_text_that_is_sealed_fills_8_kib_and_opens() {
    let (service, _) = service();
    let longest = vec![7; 6107];
    let sealed = service.seal(LoginAttempt, &longest).unwrap();
    assert_eq!(sealed.len(), 8 * 1024);
    assert_eq!(service.open(LoginAttempt, &sealed), Some(longest));
    assert_eq!(service.seal(LoginAttempt, &[7; 6108]), Err(SealError::TooLarge));
}

#[test]
fn m5_a_token_is_nothing_sealed() {
    let (service, _) = service();
    assert_eq!(service.open(LoginAttempt, &user_token(&service)), None);
    assert_eq!(service.open(LoginAttempt, ""), None);
}

proptest! {
    #[test]
    fn m5_b3_any_flipped_bit_closes(plaintext in any::<Vec<u8>>(), position in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (service, _) = service();
        let mut bytes = service.seal(LoginAttempt, &plaintext).unwrap().into_bytes();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert_eq!(service.open(LoginAttempt, &String::from_utf8_lossy(&bytes)), None);
    }

    #[test]
    fn m5_nothing_that_was_not_sealed_opens(text in "\\PC{0,200}|[A-Za-z0-9_-]{0,200}") {
        prop_assert_eq!(service().0.open(LoginAttempt, &text), None);
    }
}
