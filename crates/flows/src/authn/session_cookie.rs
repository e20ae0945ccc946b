//! The cookie by which a browser holds a session.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use vestibule_domain::{SecretDigest, SecureRandom};
use vestibule_tokens::sha256;

const SECRET_BYTES: usize = 32;
/// Kept apart from every other kind of secret: part of what is digested.
const KIND: &[u8] = b"browser\0";

/// 256 random bits that mean nothing by themselves; the database finds the session by their digest.
#[derive(Clone)]
pub struct SessionCookie([u8; SECRET_BYTES]);

impl SessionCookie {
    /// A new one.
    pub fn random(randomness: &dyn SecureRandom) -> Self {
        Self(randomness.bytes())
    }

    /// Reads the value of a cookie: 43 characters of base64url.
    pub fn from_cookie(value: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok().map(Self)
    }

    /// The value of the cookie.
    pub fn to_cookie(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What it is found by.
    pub(crate) fn digest(&self) -> SecretDigest {
        SecretDigest::new(sha256(&[KIND, self.to_cookie().as_bytes()].concat()))
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionCookie(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vestibule_domain::SystemRandom;

    use super::*;

    #[test]
    fn h2_the_digest_is_of_the_kind_and_the_text_and_the_text_is_never_shown() {
        let cookie = SessionCookie([7; 32]);
        let text = cookie.to_cookie();
        assert_eq!(cookie.digest(), SecretDigest::new(sha256(format!("browser\0{text}").as_bytes())));
        assert_ne!(cookie.digest(), SecretDigest::new(sha256(text.as_bytes())));
        assert_eq!(format!("{cookie:?}"), "SessionCookie(..)");
        assert_ne!(
            SessionCookie::random(&SystemRandom).digest(),
            SessionCookie::random(&SystemRandom).digest()
        );
    }

    proptest! {
        #[test]
        fn g2_a_cookie_is_written_in_one_way(text in "\\PC{0,64}|[A-Za-z0-9_-]{43}") {
            if let Some(cookie) = SessionCookie::from_cookie(&text) {
                prop_assert_eq!(cookie.to_cookie(), text);
            }
        }
    }
}
