//! What is stored of a secret.

use std::fmt;

/// The SHA-256 digest of a secret of at least 128 random bits: what a database keeps in its place, and finds it by. The kind of the
/// secret is part of what is digested, so one kind never stands where another belongs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Takes a digest.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_lower_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let mut digest = [0; 32];
        (is_lower_hex && hex::decode_to_slice(text, &mut digest).is_ok()).then_some(Self(digest))
    }
}

impl fmt::Display for SecretDigest {
    /// In lower-case hexadecimal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_in_one_way() {
        let digest = SecretDigest::new([0xab; 32]);
        assert_eq!(digest.to_string(), "ab".repeat(32));
        assert_eq!(SecretDigest::parse(&digest.to_string()), Some(digest));
        for odd in [String::new(), "AB".repeat(32), "ab".repeat(31), "ab".repeat(33), "zz".repeat(32)] {
            assert_eq!(SecretDigest::parse(&odd), None, "{odd:?}");
        }
        assert_eq!(format!("{digest:?}"), "SecretDigest(..)");
    }
}
