//! Keys for ID tokens that are signed with another algorithm than RS256.

use std::io;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{SigningKey, failed};
use crate::random;

/// What such a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// Ed25519.
    Ed25519,
}

/// A key and its id.
pub(crate) struct OtherKey {
    id: String,
    algorithm: OtherAlgorithm,
    pair: Pair,
}

enum Pair {
    Elliptic(EcdsaKeyPair),
    Rsa(SigningKey),
    Edwards(Ed25519KeyPair),
}

impl OtherKey {
    pub(super) fn generate(algorithm: OtherAlgorithm) -> io::Result<Self> {
        let elliptic = |curve| EcdsaKeyPair::generate(curve).map(Pair::Elliptic).map_err(failed);
        let pair = match algorithm {
            OtherAlgorithm::Es256 => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            OtherAlgorithm::Es384 => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            OtherAlgorithm::Ps384 => Pair::Rsa(SigningKey::generate()?),
            OtherAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Edwards).map_err(failed)?,
        };
        Ok(Self { id: random::hex40(), algorithm, pair })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> OtherAlgorithm {
        self.algorithm
    }

    /// The signature as RFC 7518 section 3 and RFC 8037 write it.
    pub(crate) fn sign(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        match &self.pair {
            Pair::Elliptic(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(key) => key.sign_ps384(message),
            Pair::Edwards(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The public half. An Ed25519 key names no algorithm, since there are two names for it.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Elliptic(pair) => self.elliptic_jwk(pair.public_key().as_ref()),
            Pair::Rsa(key) => key.jwk(),
            Pair::Edwards(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "x": URL_SAFE_NO_PAD.encode(pair.public_key())})
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.id));
            if let Some(name) = self.name_in_key() {
                members.insert("alg".to_owned(), json!(name));
            }
        }
        jwk
    }

    fn name_in_key(&self) -> Option<&'static str> {
        match self.algorithm {
            OtherAlgorithm::Es256 => Some("ES256"),
            OtherAlgorithm::Es384 => Some("ES384"),
            OtherAlgorithm::Ps384 => Some("PS384"),
            OtherAlgorithm::Ed25519 => None,
        }
    }

    /// The point is written uncompressed: a byte 4, then x and y, each half of the rest.
    fn elliptic_jwk(&self, point: &[u8]) -> Value {
        let numbers = point.get(1..).unwrap_or_default();
        let (x, y) = numbers.split_at_checked(numbers.len() / 2).unwrap_or_default();
        let curve = if self.algorithm == OtherAlgorithm::Es384 { "P-384" } else { "P-256" };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({"kty": "EC", "crv": curve, "use": "sig", "x": x, "y": y})
    }
}
