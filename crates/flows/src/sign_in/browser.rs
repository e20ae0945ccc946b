//! The secret that ties a sign-in to the browser that began it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use vestibule_domain::{AttemptId, SecureRandom};
use vestibule_tokens::{equal_secrets, hmac_sha256, sha256};

const SECRET_BYTES: usize = 32;

/// 256 random bits that live in a cookie. One secret serves every sign-in that the browser has under way, so that many
/// tabs need no more room than one; what each sign-in needs is derived from it and the attempt.
#[derive(Clone)]
pub struct BrowserSecret([u8; SECRET_BYTES]);

impl BrowserSecret {
    /// A new one.
    pub fn random(randomness: &dyn SecureRandom) -> Self {
        Self(randomness.bytes())
    }

    /// Reads the value of a cookie.
    pub fn from_cookie(value: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok().map(Self)
    }

    /// The value of the cookie.
    pub fn to_cookie(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What an attempt keeps to know its browser again without holding the secret.
    pub(crate) fn binding(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(sha256(&self.0))
    }

    /// Whether an attempt was begun with this secret.
    pub(crate) fn matches(&self, binding: &str) -> bool {
        equal_secrets(self.binding().as_bytes(), binding.as_bytes())
    }

    /// The PKCE code verifier of an attempt: 43 characters (RFC 7636 section 4.1), never stored and never sent but to
    /// the provider's token endpoint.
    pub(crate) fn code_verifier(&self, attempt: &AttemptId) -> String {
        self.derive("pkce", attempt)
    }

    /// The nonce that the ID token of an attempt must carry (OpenID Connect Core section 3.1.2.1).
    pub(crate) fn nonce(&self, attempt: &AttemptId) -> String {
        self.derive("nonce", attempt)
    }

    fn derive(&self, purpose: &str, attempt: &AttemptId) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac_sha256(&self.0, format!("{purpose}:{attempt}").as_bytes()))
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BrowserSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::array::uniform32;
    use proptest::prelude::*;

    use super::*;
    use vestibule_domain::SystemRandom;

    #[test]
    fn b5_every_attempt_has_its_own_verifier_and_nonce() {
        let secret = BrowserSecret::random(&SystemRandom);
        let (one, two) = (AttemptId::random(&SystemRandom), AttemptId::random(&SystemRandom));
        assert_eq!(secret.code_verifier(&one).len(), 43);
        assert_eq!(
            secret.code_verifier(&one),
            BrowserSecret::from_cookie(&secret.to_cookie()).unwrap().code_verifier(&one)
        );
        assert_ne!(secret.code_verifier(&one), secret.code_verifier(&two));
        assert_ne!(secret.code_verifier(&one), secret.nonce(&one));
    }

    #[test]
    fn only_the_same_secret_matches() {
        let secret = BrowserSecret::random(&SystemRandom);
        assert!(secret.matches(&secret.binding()));
        assert!(!BrowserSecret::random(&SystemRandom).matches(&secret.binding()));
        for rubbish in ["", "x", "!!", &"A".repeat(42), &"A".repeat(44)] {
            assert!(BrowserSecret::from_cookie(rubbish).is_none(), "{rubbish}");
        }
    }

    proptest! {
        #[test]
        fn b5_a_verifier_is_one_of_rfc_7636_and_of_its_attempt_alone(bytes in uniform32(any::<u8>()), id in "[!-~]{1,128}", other in "[!-~]{1,128}") {
            let secret = BrowserSecret(bytes);
            let (id, other) = (AttemptId::parse(&id).unwrap(), AttemptId::parse(&other).unwrap());
            let (verifier, nonce) = (secret.code_verifier(&id), secret.nonce(&id));
            for derived in [&verifier, &nonce] {
                prop_assert!((43..=128).contains(&derived.len()));
                prop_assert!(derived.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
            }
            prop_assert_ne!(&verifier, &nonce);
            prop_assert_eq!(id == other, verifier == secret.code_verifier(&other));
        }

        #[test]
        fn a_secret_is_written_in_one_way(bytes in uniform32(any::<u8>()), text in "[A-Za-z0-9_-]{43}") {
            prop_assert_eq!(BrowserSecret::from_cookie(&BrowserSecret(bytes).to_cookie()).map(|read| read.0), Some(bytes));
            if let Some(read) = BrowserSecret::from_cookie(&text) {
                prop_assert_eq!(read.to_cookie(), text);
            }
        }
    }
}
