//! Tokens that the service never issued, some of them signed with its real key.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::OsRng;
use serde_json::Value;

use crate::world::pem_in;

/// A key that signs anything, and the words of a good token to begin with.
pub(crate) struct Forge {
    pub(crate) private: RsaPrivateKey,
    /// The header of the good token.
    pub(crate) header: Value,
    /// The claims of the good token.
    pub(crate) claims: Value,
}

impl Forge {
    /// With the service's own key, read from its folder.
    pub(crate) fn new(keys_dir: &Path, good: &str) -> Self {
        Self::with(RsaPrivateKey::from_pkcs8_pem(&pem_in(keys_dir)).unwrap(), good)
    }

    /// With a key that the service has never seen.
    pub(crate) fn stranger(good: &str) -> Self {
        Self::with(RsaPrivateKey::new(&mut OsRng, 2048).unwrap(), good)
    }

    fn with(private: RsaPrivateKey, good: &str) -> Self {
        let (header, claims) = parts_of(good);
        Self { private, header, claims }
    }

    /// A token of these words, signed as the service signs.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header.to_string(), claims.to_string())
    }

    /// The same for words that need not be JSON.
    pub(crate) fn sign_text(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        self.sign_message(&message(header, claims), Algorithm::RS256)
    }

    /// Whatever stands before the last dot, signed with this key in any RSA scheme.
    pub(crate) fn sign_message(&self, message: &str, algorithm: Algorithm) -> String {
        let der = self.private.to_pkcs1_der().unwrap();
        let key = EncodingKey::from_rsa_der(der.as_bytes());
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, algorithm).unwrap())
    }

    /// The good header with one member set.
    pub(crate) fn header_with(&self, member: &str, value: Value) -> Value {
        with(&self.header, member, value)
    }

    /// The good claims with one member set.
    pub(crate) fn claims_with(&self, member: &str, value: Value) -> Value {
        with(&self.claims, member, value)
    }
}

/// The first two parts of a token.
pub(crate) fn message(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The header and the claims of a token, unverified.
pub(crate) fn parts_of(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

pub(crate) fn with(object: &Value, member: &str, value: Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().insert(member.to_owned(), value);
    object
}

pub(crate) fn without(object: &Value, member: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(member).unwrap();
    object
}
