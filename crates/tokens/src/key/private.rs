//! The private half of a key: it signs, and other keys are derived from it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use rsa::pkcs1::{self, DecodeRsaPrivateKey, EncodeRsaPrivateKey};

use super::{KeyFault, PublicKey};
use crate::seal::SealingKeys;

/// A private key, parsed and checked once and then used for every signature.
pub(crate) struct PrivateKey {
    public: PublicKey,
    pair: KeyPair,
    sealing: SealingKeys,
}

impl PrivateKey {
    /// Reads an `RSAPrivateKey` structure (RFC 8017 appendix A.1.2).
    ///
    /// The structure is written anew from its primes and exponent, so that the derived keys are the same whatever form
    /// the key came in, and so that wrong Chinese-remainder values in a file cannot leak the primes through a signature.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyFault> {
        let numbers = pkcs1::RsaPrivateKey::try_from(der).map_err(|_| KeyFault::Malformed)?;
        let public = PublicKey::new(numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes())?;
        let checked = rsa::RsaPrivateKey::from_pkcs1_der(der).map_err(|_| KeyFault::Malformed)?;
        let canonical = checked.to_pkcs1_der().map_err(|_| KeyFault::Malformed)?;
        let pair = KeyPair::from_der(canonical.as_bytes()).map_err(|_| KeyFault::Malformed)?;
        let sealing =
            SealingKeys::derive(canonical.as_bytes(), public.kid()).map_err(|_| KeyFault::Malformed)?;
        Ok(Self { public, pair, sealing })
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sealing(&self) -> &SealingKeys {
        &self.sealing
    }

    /// How long a signature is in base64url.
    pub(crate) fn encoded_signature_len(&self) -> usize {
        self.public.encoded_signature_len()
    }

    /// The RS256 signature of a message (RFC 7518 section 3.3); `None` when the library fails, which it has no reason to.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}
