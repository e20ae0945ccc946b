//! Tokens that the service never issued, some of them signed with its real key.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::OsRng;
use serde_json::Value;

/// A key that signs anything, and the words of a good token to begin with.
#[derive(Debug)]
pub struct Forge {
    /// The key.
    pub private: RsaPrivateKey,
    /// The header of the good token.
    pub header: Value,
    /// The claims of the good token.
    pub claims: Value,
}

impl Forge {
    /// With the service's own key, in PEM.
    pub fn new(key: &str, good: &str) -> Self {
        Self::with_key(RsaPrivateKey::from_pkcs8_pem(key).expect("a private key"), good)
    }

    /// With a key that the service has never seen.
    pub fn stranger(good: &str) -> Self {
        Self::with_key(RsaPrivateKey::new(&mut OsRng, 2048).expect("a key"), good)
    }

    fn with_key(private: RsaPrivateKey, good: &str) -> Self {
        let (header, claims) = parts_of(good);
        Self { private, header, claims }
    }

    /// A token of these words, signed as the service signs.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header.to_string(), claims.to_string())
    }

    /// The same for words that need not be JSON.
    pub fn sign_text(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        self.sign_message(&message(header, claims), Algorithm::RS256)
    }

    /// Whatever stands before the last dot, signed with this key in any RSA scheme.
    pub fn sign_message(&self, message: &str, algorithm: Algorithm) -> String {
        let der = self.private.to_pkcs1_der().expect("a key has a form");
        let key = EncodingKey::from_rsa_der(der.as_bytes());
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, algorithm).expect("the key signs"))
    }

    /// The good header with one member set.
    pub fn header_with(&self, member: &str, value: Value) -> Value {
        with(&self.header, member, value)
    }

    /// The good claims with one member set.
    pub fn claims_with(&self, member: &str, value: Value) -> Value {
        with(&self.claims, member, value)
    }
}

/// The first two parts of a token.
pub fn message(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

/// Base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The header and the claims of a token, unverified.
pub fn parts_of(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url"));
    let mut next = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
    (next(), next())
}

/// The object with one member set.
pub fn with(object: &Value, member: &str, value: Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").insert(member.to_owned(), value);
    object
}

/// The object without one member.
pub fn without(object: &Value, member: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").remove(member).expect("the member");
    object
}
