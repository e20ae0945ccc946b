use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::KeyState;

const DAY: Duration = Duration::from_secs(24 * 3600);
const OLD: &str = "20251122T100833Z-old.pem";
const NEW: &str = "20251123T100833Z-new.pem";

/// A folder with the first key, active since START, and the second, active a day later.
fn rotating() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), OLD, &first().pkcs8);
    put(dir.path(), NEW, &second().pkcs8);
    dir
}

fn put(dir: &Path, name: &str, pem: &str) {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(name)).unwrap();
    file.write_all(pem.as_bytes()).unwrap();
}

fn service_of(dir: &Path) -> (TokenService, Arc<TestClock>) {
    service_with(KeyRing::load_dir(dir, START).unwrap(), ISSUER)
}

fn kids(service: &TokenService) -> Vec<String> {
    service.jwks().keys.into_iter().map(|key| key.kid).collect()
}

#[test]
fn m2_rotation_loses_no_token_and_needs_no_restart() {
    let dir = rotating();
    let (old, new) = (first(), second());
    let (service, clock) = service_of(dir.path());
    assert_eq!(service.signing_key_id(), old.kid);
    assert_eq!(kids(&service), [old.kid.clone(), new.kid.clone()], "published before it is used");

    clock.set(START.plus(DAY).minus(Duration::from_secs(1)));
    let last_of_old = user_token(&service);
    let old_pem = service.public_key_pem();

    clock.set(START.plus(DAY));
    assert_eq!(service.signing_key_id(), new.kid);
    assert_ne!(service.public_key_pem(), old_pem);
    let first_of_new = user_token(&service);
    assert!(part(&first_of_new, 0).contains(&new.kid));
    assert!(service.verify_user_token(&last_of_old).is_ok());
    assert!(service.verify_user_token(&first_of_new).is_ok());

    clock.set(START.plus(DAY).plus(USER_TTL).minus(Duration::from_secs(2)));
    assert!(service.verify_user_token(&last_of_old).is_ok(), "to the last second of its life");
    assert_eq!(kids(&service), [old.kid.clone(), new.kid.clone()]);

    clock.set(START.plus(DAY).plus(USER_TTL).plus(LEEWAY));
    assert_eq!(kids(&service), [new.kid.as_str()]);
    assert_eq!(service.verify_user_token(&last_of_old), Err(TokenRefused::UnknownKey));
}

#[test]
fn m2_a_retired_key_is_refused_even_for_a_token_that_claims_to_live() {
    let dir = rotating();
    let (service, clock) = service_of(dir.path());
    let mut claims = good_claims();
    claims["exp"] = json!(START.plus(USER_TTL * 2).seconds());
    let token = forged(first(), good_header(), claims.to_string());
    assert!(service.verify_user_token(&token).is_ok());
    clock.set(START.plus(DAY).plus(USER_TTL).plus(LEEWAY));
    assert_eq!(service.verify_user_token(&token), Err(TokenRefused::UnknownKey));
}

#[test]
fn what_is_shown_of_the_keys_is_the_same_object_until_something_about_them_changes() {
    let dir = rotating();
    let (service, clock) = service_of(dir.path());
    let shown = service.published_keys();
    clock.set(START.plus(DAY).minus(Duration::from_secs(1)));
    assert!(Arc::ptr_eq(&shown, &service.published_keys()));

    clock.set(START.plus(DAY));
    let later = service.published_keys();
    assert_eq!((&shown.signing_key_id, &later.signing_key_id), (&first().kid, &second().kid));
    assert!(Arc::ptr_eq(&later, &service.published_keys()));

    clock.set(START);
    assert_eq!(service.published_keys().signing_key_id, first().kid, "a clock that goes back");
    service.replace_ring(second().ring());
    assert_eq!(service.published_keys().signing_key_id, second().kid);
}

#[test]
fn the_operator_sees_what_each_key_does_now() {
    let dir = rotating();
    let (service, clock) = service_of(dir.path());
    let described = || {
        let keys = service.describe_keys();
        keys.into_iter().map(|key| (key.kid, key.bits, key.active_from, key.state)).collect::<Vec<_>>()
    };
    let both = |old, new| {
        [(first().kid.clone(), 2048, START, old), (second().kid.clone(), 2048, START.plus(DAY), new)]
    };
    assert_eq!(described(), both(KeyState::Signing, KeyState::Next));
    clock.set(START.plus(DAY));
    let until = Some(START.plus(DAY).plus(USER_TTL).plus(LEEWAY));
    assert_eq!(described(), both(KeyState::Verifying { until }, KeyState::Signing));
}

#[test]
fn m3_d9_a_key_that_is_taken_away_takes_its_tokens_with_it() {
    let dir = rotating();
    let new = second();
    let (service, _) = service_of(dir.path());
    let token = user_token(&service);
    let sealed = service.seal(crate::SealPurpose::LoginAttempt, b"text").unwrap();

    std::fs::remove_file(dir.path().join(OLD)).unwrap();
    service.replace_ring(KeyRing::load_dir(dir.path(), START).unwrap());
    assert_eq!(service.verify_user_token(&token), Err(TokenRefused::UnknownKey));
    assert_eq!(service.open(crate::SealPurpose::LoginAttempt, &sealed), None);
    assert_eq!(kids(&service), [new.kid.as_str()]);
    assert_eq!(service.signing_key_id(), new.kid, "the key for later stands in");
}

#[test]
fn a_ring_of_public_keys_verifies_and_does_not_sign() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "public.pem", &first().spki);
    let token = user_token(&service().0);
    let (service, _) = service_of(dir.path());
    assert!(service.verify_user_token(&token).is_ok());
    assert!(!service.is_usable());
    assert_eq!(service.public_key_pem(), first().spki);
    assert_eq!(service.signing_key_id(), first().kid);
    assert_eq!(service.issue_user_token(&user(), &session(), far()).unwrap_err(), SignError::NoKey);
    assert_eq!(service.seal(crate::SealPurpose::LoginAttempt, b"x"), Err(crate::SealError::NoKey));
}
