//! A token that was verified once is not verified again, and is refused like any other when its time comes.

use super::*;

#[test]
fn a4_a_token_that_is_remembered_still_expires() {
    let (service, clock) = service();
    let token = user_token(&service);
    for _ in 0..2 {
        assert_eq!(service.verify_user_token(&token).unwrap().user_id, user());
    }
    clock.set(START.plus(USER_TTL + LEEWAY).minus(Duration::from_secs(1)));
    assert!(service.verify_user_token(&token).is_ok());
    clock.set(START.plus(USER_TTL + LEEWAY));
    assert_eq!(service.verify_user_token(&token).unwrap_err(), TokenRefused::Expired);
}

#[test]
fn a4_only_a_token_that_was_verified_and_is_still_good_is_recalled() {
    let (service, clock) = service();
    let token = user_token(&service);
    assert_eq!(service.find_cached_user_token(&token), None);
    let claims = service.verify_user_token(&token).unwrap();
    assert_eq!(service.find_cached_user_token(&token), Some(claims));
    assert_eq!(service.find_cached_user_token(&format!("{token}A")), None);
    clock.set(START.plus(USER_TTL + LEEWAY));
    assert_eq!(service.find_cached_user_token(&token), None);
    clock.set(START.minus(LEEWAY + Duration::from_secs(1)));
    assert_eq!(service.find_cached_user_token(&token), None);
    clock.set(START);
    service.replace_ring(KeyRing::from_pem(&second().pkcs8.clone().into(), None).unwrap());
    assert_eq!(service.find_cached_user_token(&token), None);
}

#[test]
fn a_token_that_is_remembered_comes_from_the_future_when_the_clock_goes_back() {
    let (service, clock) = service();
    let token = user_token(&service);
    assert!(service.verify_user_token(&token).is_ok());
    clock.set(START.minus(LEEWAY + Duration::from_secs(1)));
    assert_eq!(service.verify_user_token(&token).unwrap_err(), TokenRefused::IssuedInFuture);
}

#[test]
fn m3_the_remembered_tokens_of_a_key_die_with_it() {
    let (service, _) = service();
    let token = user_token(&service);
    assert!(service.verify_user_token(&token).is_ok());
    let other = KeyRing::from_pem(&second().pkcs8.clone().into(), None).unwrap();
    service.replace_ring(other);
    assert_eq!(service.verify_user_token(&token).unwrap_err(), TokenRefused::UnknownKey);
    let back = KeyRing::from_pem(&first().pkcs8.clone().into(), None).unwrap();
    service.replace_ring(back);
    assert_eq!(service.find_cached_user_token(&token), None, "nothing of it was kept");
    assert!(service.verify_user_token(&token).is_ok());
}

#[test]
fn what_differs_from_a_remembered_token_in_one_byte_is_another() {
    let (service, _) = service();
    let token = user_token(&service);
    assert!(service.verify_user_token(&token).is_ok());
    for at in (0..token.len()).step_by(7) {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert!(service.verify_user_token(&other).is_err(), "{other}");
    }
    assert!(service.verify_user_token(&token).is_ok());
}

#[test]
fn n1_neither_a_token_nor_who_it_is_of_shows_in_debug() {
    let (service, _) = service();
    let token = user_token(&service);
    let claims = service.verify_user_token(&token).unwrap();
    let shown = format!("{service:?}");
    assert!(!shown.contains(&token) && !shown.contains(claims.session_id.as_str()), "{shown}");
}
