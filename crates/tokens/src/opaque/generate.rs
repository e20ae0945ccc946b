//! New secrets.

use secrecy::SecretString;
use vestibule_domain::SecureRandom;
use zeroize::Zeroizing;

use super::{DIGITS, LENGTH, OpaqueKind, OpaqueSecret, PREFIX, RANDOM, checksum};

/// The largest multiple of 62 that a byte can be below: beyond it some digits would be likelier than others.
const FAIR: u8 = 248;

impl OpaqueSecret {
    /// Makes a secret that nothing foretells.
    pub fn generate(kind: OpaqueKind, randomness: &dyn SecureRandom) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        let head = PREFIX.iter().copied().chain([kind.letter(), b'_']);
        text.extend(head.map(char::from));
        let end = text.len() + RANDOM;
        while text.len() < end {
            let missing = end - text.len();
            let bytes = Zeroizing::new(randomness.bytes::<RANDOM>());
            let fair = bytes.iter().filter(|byte| **byte < FAIR);
            let digits = fair.filter_map(|byte| DIGITS.get(usize::from(byte % 62)));
            text.extend(digits.take(missing).copied().map(char::from));
        }
        let checksum = checksum::of(text.as_bytes());
        text.extend(checksum.map(char::from));
        Self { kind, text: SecretString::from(text.as_str()) }
    }
}
