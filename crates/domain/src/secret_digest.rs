//! What is kept of a secret that the service has issued.

use std::fmt;

/// The SHA-256 digest of a whole opaque secret, by which the secret is found. Nothing leads back from it to a text of 190 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// A digest that was made of a secret.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The form in which databases keep it: 64 hexadecimal digits in lower case.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// A digest identifies a secret: a log does not show it.
impl fmt::Debug for SecretDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_kept_in_lower_case_and_shown_nowhere() {
        let digest = SecretDigest::new([0xab; 32]);
        assert_eq!(digest.to_hex(), "ab".repeat(32));
        assert_eq!(format!("{digest:?}"), "SecretDigest(..)");
    }
}
