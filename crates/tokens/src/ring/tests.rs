use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::testing::{START, first, second};

fn secret(text: &str) -> SecretString {
    text.into()
}

#[test]
fn a_ring_of_the_settings_takes_every_written_form() {
    let key = first();
    for private in
        [key.pkcs8.clone(), key.pkcs1.clone(), key.pkcs8.replace('\n', "\\n"), STANDARD.encode(&key.pkcs1)]
    {
        for public in
            [&key.spki, &key.public_pkcs1, &key.spki.replace('\n', "\\n"), &STANDARD.encode(&key.spki)]
        {
            let ring = KeyRing::from_pem(&secret(&private), Some(public)).unwrap();
            assert_eq!(ring.signing(START).unwrap().public().kid(), key.kid);
        }
    }
}

#[test]
fn the_halves_must_be_of_one_key_and_on_their_sides() {
    let (key, other) = (first(), second());
    let error = |private: &str, public| KeyRing::from_pem(&secret(private), public).unwrap_err().to_string();
    assert_eq!(
        error(&key.pkcs8, Some(&other.spki)),
        "public key: the public key does not belong to the private key"
    );
    assert_eq!(
        error(&key.pkcs8, Some(&key.pkcs8)),
        "public key: a public key is expected, and this is a private one"
    );
    assert_eq!(error(&key.spki, None), "private key: a private key is expected, and this is a public one");
    assert_eq!(error("changeme", None), "private key: this is not a PEM text");
}

#[test]
fn n5_debug_shows_key_ids_alone() {
    assert_eq!(format!("{:?}", first().ring()), format!("[\"{}\"]", first().kid));
}

#[test]
fn the_fingerprint_tells_rings_apart() {
    assert_eq!(first().ring().fingerprint(), first().ring().fingerprint());
    assert_ne!(first().ring().fingerprint(), second().ring().fingerprint());
}

#[test]
fn one_key_in_two_files_is_one_private_key() {
    let entry = |text: &str, file: &str| RingKey {
        key: Key::from_pem(text).unwrap(),
        active_from: START,
        file: file.into(),
    };
    let key = first();
    let ring =
        KeyRing::new(vec![entry(&key.spki, "a.pem"), entry(&key.pkcs8, "b.pem"), entry(&key.pkcs8, "c.pem")]);
    assert_eq!(ring.keys.len(), 1);
    assert_eq!(ring.keys[0].file, Path::new("b.pem"));
    assert!(ring.signing(START).is_some());
}
