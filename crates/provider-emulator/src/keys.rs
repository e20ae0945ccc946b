//! The keys of an issuer: the one that signs, and those that it publishes.

mod kept;
mod other;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA384, RsaEncoding};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task;

use crate::random;

pub(crate) use other::{OtherAlgorithm, OtherKey};

/// What the cryptography library says when it fails, which it does not explain.
fn failed(_: Unspecified) -> io::Error {
    io::Error::other("the cryptography library failed")
}

/// An RSA key of 2048 bits and its id.
pub(crate) struct SigningKey {
    id: String,
    pair: rsa::KeyPair,
}

impl SigningKey {
    /// Makes a new one; takes a tenth of a second or so.
    pub(crate) fn generate() -> io::Result<Self> {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
        Ok(Self { id: random::hex40(), pair })
    }

    /// The key of a PKCS#8 text.
    fn from_pkcs8(der: &[u8]) -> io::Result<Self> {
        let refused = |error: KeyRejected| io::Error::other(format!("a kept key cannot be used: {error}"));
        let pair = rsa::KeyPair::from_pkcs8(der).map_err(refused)?;
        Ok(Self { id: random::hex40(), pair })
    }

    fn to_pkcs8(&self) -> io::Result<Vec<u8>> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(failed)?;
        Ok(der.as_ref().to_vec())
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        self.sign_with(&RSA_PKCS1_SHA256, message)
    }

    /// RSASSA-PSS with SHA-384.
    fn sign_ps384(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        self.sign_with(&RSA_PSS_SHA384, message)
    }

    fn sign_with(&self, padding: &'static dyn RsaEncoding, message: &[u8]) -> io::Result<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
        Ok(signature)
    }

    /// The public half as RFC 7517 writes it.
    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public half as PEM, which an attacker uses as the secret of an HMAC.
    pub(crate) fn public_pem(&self) -> io::Result<String> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().map_err(failed)?;
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for (at, character) in text.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        Ok(pem)
    }
}

/// The keys that issuers start with, one each.
#[derive(Clone)]
pub(crate) struct FirstKeys {
    pub(crate) google: Arc<SigningKey>,
    pub(crate) corporate: Arc<SigningKey>,
}

impl FirstKeys {
    /// The same keys for every emulator of this process: making them is nearly all of a start, and a test suite
    /// starts hundreds. With a folder they are the same in the next process.
    pub(crate) async fn of_process(keys_dir: Option<&Path>) -> io::Result<Self> {
        static KEYS: OnceCell<FirstKeys> = OnceCell::const_new();
        KEYS.get_or_try_init(|| Self::make(keys_dir)).await.cloned()
    }

    async fn make(keys_dir: Option<&Path>) -> io::Result<Self> {
        let file = |name: &str| keys_dir.map(|folder| folder.join(name));
        let (google, corporate) = (make_aside(file("google.der")), make_aside(file("corporate.der")));
        let (google, corporate) = tokio::try_join!(google, corporate)?;
        Ok(Self { google, corporate })
    }
}

/// Making a key takes too long for a thread that serves requests.
async fn make_aside(file: Option<PathBuf>) -> io::Result<Arc<SigningKey>> {
    let make = move || file.map_or_else(SigningKey::generate, |file| kept::load_or_generate(&file));
    task::spawn_blocking(make).await.map_err(io::Error::other)?.map(Arc::new)
}

/// The signing key and the published ones, which tests can let drift apart.
pub(crate) struct KeyRing {
    signing: Arc<SigningKey>,
    published: Vec<Arc<SigningKey>>,
    others: Vec<Arc<OtherKey>>,
}

impl KeyRing {
    /// A ring of one key, published.
    pub(crate) fn new(signing: Arc<SigningKey>) -> Self {
        Self { published: vec![signing.clone()], signing, others: Vec::new() }
    }

    pub(crate) fn signing(&self) -> Arc<SigningKey> {
        self.signing.clone()
    }

    /// The key for another algorithm, made at its first use and published from then on.
    pub(crate) fn other(&mut self, algorithm: OtherAlgorithm) -> io::Result<Arc<OtherKey>> {
        if let Some(key) = self.others.iter().find(|key| key.algorithm() == algorithm) {
            return Ok(key.clone());
        }
        let key = Arc::new(OtherKey::generate(algorithm)?);
        self.others.push(key.clone());
        Ok(key)
    }

    /// Signs with this key from now on, without telling anybody.
    pub(crate) fn replace_signing(&mut self, key: SigningKey) {
        self.signing = Arc::new(key);
    }

    /// Publishes the signing key, if it is not published yet, before the others.
    pub(crate) fn publish_signing(&mut self) {
        if !self.published.iter().any(|key| Arc::ptr_eq(key, &self.signing)) {
            self.published.insert(0, self.signing.clone());
        }
    }

    /// Publishes a key that signs nothing, before the others: who takes the first key is wrong.
    pub(crate) fn publish_extra(&mut self, key: SigningKey) {
        self.published.insert(0, Arc::new(key));
    }

    /// Publishes the signing key once more.
    pub(crate) fn publish_signing_again(&mut self) {
        self.published.push(self.signing.clone());
    }

    /// Publishes a key that signs nothing, under the id of the one that does, before the others.
    pub(crate) fn publish_under_same_id(&mut self, mut key: SigningKey) {
        key.id.clone_from(&self.signing.id);
        self.publish_extra(key);
    }

    pub(crate) fn publish_nothing(&mut self) {
        self.published.clear();
        self.others.clear();
    }

    /// The key set as RFC 7517 section 5 writes it.
    pub(crate) fn key_set(&self) -> Value {
        let keys: Vec<Value> = self
            .published
            .iter()
            .map(|key| key.jwk())
            .chain(self.others.iter().map(|key| key.jwk()))
            .collect();
        json!({ "keys": keys })
    }
}
