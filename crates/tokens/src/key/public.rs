//! The public half of a key, in every form that is asked of it.

use jsonwebtoken::{Algorithm, DecodingKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{BigUint, RsaPublicKey, pkcs1};

use super::KeyFault;
use crate::Jwk;
use crate::weak::has_roca_mark;

pub(super) const MIN_BITS: usize = 2048;
pub(super) const MAX_BITS: usize = 8192;
const MIN_EXPONENT: u64 = 65_537;
// The cryptographic library verifies with exponents of at most 33 bits.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// A public key that is fit to verify with, its forms made once.
pub(crate) struct PublicKey {
    jwk: Jwk,
    bits: usize,
    pem: String,
    decoding: DecodingKey,
}

impl PublicKey {
    /// Reads an `RSAPublicKey` structure (RFC 8017 appendix A.1.1).
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyFault> {
        let key = pkcs1::RsaPublicKey::try_from(der).map_err(|_| KeyFault::Malformed)?;
        Self::new(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    /// Takes the two numbers, big-endian, and refuses what is unsafe or what other software would refuse.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyFault> {
        let n = BigUint::from_bytes_be(modulus);
        let e = BigUint::from_bytes_be(exponent);
        let bits = n.bits();
        require_strength(bits, &e)?;
        let (modulus, exponent) = (n.to_bytes_be(), e.to_bytes_be());
        if has_roca_mark(&modulus) {
            return Err(KeyFault::Roca);
        }
        let key = RsaPublicKey::new_with_max_size(n, e, MAX_BITS).map_err(|_| KeyFault::Malformed)?;
        Ok(Self {
            jwk: Jwk::new(&modulus, &exponent),
            bits,
            pem: key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyFault::Malformed)?,
            decoding: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
        })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.jwk.kid
    }

    pub(crate) fn bits(&self) -> usize {
        self.bits
    }

    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// `SubjectPublicKeyInfo` with a line end at the end.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// How long a signature of this key is in base64url.
    pub(crate) fn encoded_signature_len(&self) -> usize {
        (self.bits.div_ceil(8) * 4).div_ceil(3)
    }

    /// Whether this is an RS256 signature of the message; the signature is given in base64url.
    ///
    /// The algorithm is a constant: nothing that a token says about itself can change how it is verified
    /// (RFC 8725 section 3.1).
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.decoding, Algorithm::RS256).unwrap_or(false)
    }
}

fn require_strength(bits: usize, exponent: &BigUint) -> Result<(), KeyFault> {
    if bits < MIN_BITS {
        return Err(KeyFault::TooShort { bits });
    }
    if bits > MAX_BITS {
        return Err(KeyFault::TooLong { bits });
    }
    let accepted = *exponent >= BigUint::from(MIN_EXPONENT) && *exponent <= BigUint::from(MAX_EXPONENT);
    let odd = exponent.to_bytes_be().last().is_some_and(|byte| byte % 2 == 1);
    if accepted && odd { Ok(()) } else { Err(KeyFault::Exponent) }
}
