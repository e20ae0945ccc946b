//! Codes, tokens and key ids that nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` unpredictable bytes.
#[expect(clippy::expect_used, reason = "without randomness the emulator has nothing to say: ending is right")]
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the cryptography library gives random bytes");
    bytes
}

/// 40 hexadecimal digits, the shape of GitHub's tokens' bodies and of Google's key ids.
pub(crate) fn hex40() -> String {
    hex::encode(bytes::<20>())
}

/// 20 hexadecimal digits, the shape of GitHub's codes.
pub(crate) fn hex20() -> String {
    hex::encode(bytes::<10>())
}

/// 43 characters of the URL-safe base64 alphabet: 256 bits.
pub(crate) fn base64url() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}
