//! The public keys, read from PEM or from a JWK set, and refused when they are weak.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;
const MIN_EXPONENT: u64 = 65_537;
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// Why a text holds no key to verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a PEM block with the label of a public key.
    #[error("this is not the PEM text of a public key")]
    NotPem,
    /// Not a JWK set.
    #[error("this is not a JWK set")]
    NotAJwkSet,
    /// A JWK set without a key for RS256.
    #[error("the JWK set has no key that signs with RS256")]
    NoKeys,
    /// The key is of another algorithm, broken, or lacks its id.
    #[error("the key is not a complete RSA public key")]
    NotRsa,
    /// Too short to be safe, or too long to be practical.
    #[error("the key has {bits} bits, and {MIN_BITS} to {MAX_BITS} are accepted")]
    Length {
        /// The length of its modulus.
        bits: usize,
    },
    /// A public exponent that makes signatures easy to forge.
    #[error("the public exponent is not an odd number from 65537 to 2^33 - 1")]
    Exponent,
}

/// A key, and the id by which tokens name it.
pub(crate) struct NamedKey {
    pub(crate) kid: String,
    pub(crate) key: DecodingKey,
}

/// Reads a public key in `SubjectPublicKeyInfo` or PKCS#1. Its id is its RFC 7638 thumbprint, which is what Vestibule
/// calls its keys.
pub(crate) fn from_pem(text: &str) -> Result<NamedKey, KeyError> {
    let der = pem_body(text).ok_or(KeyError::NotPem)?;
    let jwk = Jwk::from_decoding_key(&DecodingKey::from_rsa_der(&der), None).map_err(|_| KeyError::NotRsa)?;
    let AlgorithmParameters::RSA(numbers) = &jwk.algorithm else { return Err(KeyError::NotRsa) };
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::NotRsa)?;
    Ok(NamedKey { kid, key: strong_key(&numbers.n, &numbers.e)? })
}

fn pem_body(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    if !["PUBLIC KEY", "RSA PUBLIC KEY"].contains(&label) {
        return None;
    }
    let (body, _) = rest.split_once("-----END ")?;
    let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Reads the RS256 keys of a JWK set. Keys for something else are passed over (RFC 7517 section 5), but a key for RS256 that is
/// broken or weak refuses the set.
pub(crate) fn from_jwks(text: &str) -> Result<Vec<NamedKey>, KeyError> {
    let set: Set = serde_json::from_str(text).map_err(|_| KeyError::NotAJwkSet)?;
    let entries = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Entry>(value).ok());
    let keys = entries.filter(is_for_rs256).map(named_key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(KeyError::NoKeys) } else { Ok(keys) }
}

fn is_for_rs256(entry: &Entry) -> bool {
    entry.kty == "RSA"
        && entry.usage.as_deref().is_none_or(|usage| usage == "sig")
        && entry.alg.as_deref().is_none_or(|alg| alg == "RS256")
}

fn named_key(entry: Entry) -> Result<NamedKey, KeyError> {
    let (Some(kid), Some(n), Some(e)) = (entry.kid, entry.n, entry.e) else { return Err(KeyError::NotRsa) };
    Ok(NamedKey { kid, key: strong_key(&n, &e)? })
}

/// A key of these two numbers in base64url, if it is neither weak nor absurd.
fn strong_key(modulus: &str, exponent: &str) -> Result<DecodingKey, KeyError> {
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyError::Length { bits });
    }
    // A number of more than 64 bits becomes the largest of 64.
    let value =
        exponent.iter().fold(0_u64, |value, &byte| value.saturating_mul(256).saturating_add(u64::from(byte)));
    if value % 2 == 0 || !(MIN_EXPONENT..=MAX_EXPONENT).contains(&value) {
        return Err(KeyError::Exponent);
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// The big-endian bytes of a number, without zeros in front.
fn number(text: &str) -> Result<Vec<u8>, KeyError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::NotRsa)?;
    Ok(bytes.into_iter().skip_while(|&byte| byte == 0).collect())
}
