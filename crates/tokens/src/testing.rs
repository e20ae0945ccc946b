//! What the tests of this crate share: keys that are made once, and a clock that tests move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RsaEncoding;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use vestibule_domain::{Clock, SystemRandom, Timestamp};

use crate::{Jwk, KeyRing, TokenService, TokenSettings};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const USER_TTL: Duration = Duration::from_secs(14 * 24 * 3600);
pub(crate) const PERMISSION_TTL: Duration = Duration::from_secs(15 * 60);
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_763_806_113);

/// A key in every form that a test may need.
pub(crate) struct TestKey {
    pub(crate) pkcs8: String,
    pub(crate) pkcs1: String,
    pub(crate) spki: String,
    pub(crate) public_pkcs1: String,
    pub(crate) public_der: Vec<u8>,
    pub(crate) modulus: Vec<u8>,
    pub(crate) kid: String,
    pair: KeyPair,
}

impl TestKey {
    fn new(key: &RsaPrivateKey) -> Self {
        let public = key.to_public_key();
        let modulus = key.n().to_bytes_be();
        Self {
            pkcs8: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
            pkcs1: key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string(),
            spki: public.to_public_key_pem(LineEnding::LF).unwrap(),
            public_pkcs1: public.to_pkcs1_pem(LineEnding::LF).unwrap(),
            public_der: public.to_public_key_der().unwrap().to_vec(),
            kid: Jwk::new(&modulus, &key.e().to_bytes_be()).kid,
            modulus,
            pair: KeyPair::from_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap(),
        }
    }

    /// Signs anything, with any RSA scheme.
    pub(crate) fn sign(&self, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(scheme, &aws_lc_rs::rand::SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    pub(crate) fn ring(&self) -> KeyRing {
        KeyRing::from_pem(&self.pkcs8.as_str().into(), None).unwrap()
    }
}

pub(crate) fn generate(bits: usize, exponent: u32) -> RsaPrivateKey {
    RsaPrivateKey::new_with_exp(&mut OsRng, bits, &BigUint::from(exponent)).unwrap()
}

pub(crate) fn first() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::new(&generate(2048, 65_537)))
}

pub(crate) fn second() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::new(&generate(2048, 65_537)))
}

/// A clock that stands still until it is moved.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A service of the test deployment, and its clock.
pub(crate) fn service() -> (TokenService, Arc<TestClock>) {
    service_with(first().ring(), ISSUER)
}

pub(crate) fn service_with(ring: KeyRing, issuer: &str) -> (TokenService, Arc<TestClock>) {
    let clock = Arc::new(TestClock(AtomicI64::new(START.micros())));
    let settings = TokenSettings {
        issuer: issuer.to_owned(),
        user_token_ttl: USER_TTL,
        permission_token_ttl: PERMISSION_TTL,
    };
    (TokenService::new(ring, settings, clock.clone(), Arc::new(SystemRandom)), clock)
}

pub(crate) fn base64url(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
