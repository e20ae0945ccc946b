//! A single RSA key: reading it, judging whether it is fit, and what it can do.

mod fault;
mod private;
mod public;

use rsa::pkcs8::{PrivateKeyInfo, SubjectPublicKeyInfoRef};
use rsa::{pkcs1, pkcs8};

pub use fault::KeyFault;
pub(crate) use private::PrivateKey;
pub(crate) use public::PublicKey;

use crate::pem::PemBlock;

/// A key that is fit for use.
pub(crate) enum Key {
    /// Signs and verifies.
    Private(Box<PrivateKey>),
    /// Verifies alone.
    Public(PublicKey),
}

impl Key {
    /// Reads a PEM text: a private key in PKCS#1 or PKCS#8, or a public one in PKCS#1 or `SubjectPublicKeyInfo`.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyFault> {
        let block = PemBlock::read(text)?;
        match block.label.as_str() {
            "RSA PRIVATE KEY" => PrivateKey::from_pkcs1(&block.der).map(Self::private),
            "PRIVATE KEY" => PrivateKey::from_pkcs1(inside_pkcs8(&block.der)?).map(Self::private),
            "RSA PUBLIC KEY" => PublicKey::from_pkcs1(&block.der).map(Self::Public),
            "PUBLIC KEY" => PublicKey::from_pkcs1(inside_spki(&block.der)?).map(Self::Public),
            "ENCRYPTED PRIVATE KEY" => Err(KeyFault::Encrypted),
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" => Err(KeyFault::OtherAlgorithm),
            _ => Err(KeyFault::OtherContent),
        }
    }

    pub(crate) fn public(&self) -> &PublicKey {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => key,
        }
    }

    pub(crate) fn as_private(&self) -> Option<&PrivateKey> {
        match self {
            Self::Private(key) => Some(key),
            Self::Public(_) => None,
        }
    }

    fn private(key: PrivateKey) -> Self {
        Self::Private(Box::new(key))
    }
}

/// The `RSAPrivateKey` that a PKCS#8 structure carries.
fn inside_pkcs8(der: &[u8]) -> Result<&[u8], KeyFault> {
    let info = PrivateKeyInfo::try_from(der).map_err(|_| KeyFault::Malformed)?;
    require_rsa(info.algorithm)?;
    Ok(info.private_key)
}

/// The `RSAPublicKey` that a `SubjectPublicKeyInfo` carries.
fn inside_spki(der: &[u8]) -> Result<&[u8], KeyFault> {
    let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| KeyFault::Malformed)?;
    require_rsa(info.algorithm)?;
    info.subject_public_key.as_bytes().ok_or(KeyFault::Malformed)
}

fn require_rsa(algorithm: pkcs8::AlgorithmIdentifierRef<'_>) -> Result<(), KeyFault> {
    if algorithm.oid == pkcs1::ALGORITHM_OID { Ok(()) } else { Err(KeyFault::OtherAlgorithm) }
}

#[cfg(test)]
mod tests;
