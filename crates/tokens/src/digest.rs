//! Digests and comparisons for values that are secrets, or made from them.

use aws_lc_rs::{constant_time, digest, hmac};

/// The SHA-256 digest of a message.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    sized(digest::digest(&digest::SHA256, message).as_ref())
}

/// The HMAC-SHA-256 of a message (RFC 2104).
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    sized(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
pub fn equal_secrets(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn sized(output: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(output);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn the_digests_are_those_of_their_standards() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256(b"abc")), abc);
        let case_two_of_rfc_4231 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")), case_two_of_rfc_4231);
    }

    #[test]
    fn secrets_are_equal_only_when_every_byte_is() {
        assert!(equal_secrets(b"abc", b"abc"));
        assert!(equal_secrets(b"", b""));
        assert!(!equal_secrets(b"abc", b"abd"));
        assert!(!equal_secrets(b"abc", b"ab"));
    }
}
