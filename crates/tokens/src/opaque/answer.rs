//! What an opaque secret was answered by, sealed so that the secret itself opens it.
//!
//! Whoever presents the secret again can be given the same answer, by any replica, after any restart and any change of keys. Who has only
//! what a database keeps, the digest and the sealed text, can open nothing.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_domain::SecureRandom;
use zeroize::Zeroizing;

use super::OpaqueText;
use crate::SealError;

const VERSION: u8 = 1;
const MAX_SEALED_LEN: usize = 4 * 1024;

impl OpaqueText<'_> {
    /// Seals the answer to this secret.
    pub fn seal_answer(self, answer: &[u8], randomness: &dyn SecureRandom) -> Result<String, SealError> {
        let nonce = randomness.bytes::<NONCE_LEN>();
        let mut body = answer.to_vec();
        let key = self.answer_key().map_err(|_| SealError::Failed)?;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.associated_data()),
            &mut body,
        )
        .map_err(|_| SealError::Failed)?;
        let text = URL_SAFE_NO_PAD.encode([&[VERSION], nonce.as_slice(), &body].concat());
        if text.len() > MAX_SEALED_LEN { Err(SealError::TooLarge) } else { Ok(text) }
    }

    /// The answer, if this text was sealed for this secret.
    pub fn open_answer(self, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        if sealed.len() > MAX_SEALED_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        (*version == VERSION).then_some(())?;
        let mut body = Zeroizing::new(body.to_vec());
        let (key, aad) = (self.answer_key().ok()?, Aad::from(self.associated_data()));
        let length = key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }

    /// HKDF (RFC 5869) of the whole text: 190 random bits, which need no stretching.
    fn answer_key(self) -> Result<LessSafeKey, Unspecified> {
        let root = Salt::new(HKDF_SHA256, b"vestibule answers v1").extract(self.text);
        let key = UnboundKey::from(root.expand(&[b"answer"], &AES_256_GCM_SIV)?);
        Ok(LessSafeKey::new(key))
    }

    /// The version, and what the secret is stored under: an answer that was moved to another row does not open.
    fn associated_data(self) -> Vec<u8> {
        [&[VERSION], self.digest().as_bytes().as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;
    use vestibule_domain::SystemRandom;

    use super::*;
    use crate::{OpaqueKind, OpaqueSecret};

    const SECRET: &str = "vstf_0123456789abcdefghijABCDEFGHIJKL13DkEk";
    /// Sealed with the nonce 0 to 11 by another implementation of HKDF and AES-256-GCM-SIV (RFC 8452).
    const SEALED_EARLIER: &str = "AQABAgMEBQYHCAkKC2OuECjuHnJHdHlYxDrYuS_NeADRFsNcRLE";

    fn secret() -> OpaqueSecret {
        OpaqueSecret::generate(OpaqueKind::RefreshToken, &SystemRandom)
    }

    fn text_of(secret: &OpaqueSecret) -> OpaqueText<'_> {
        OpaqueText::parse(secret.text().expose_secret()).unwrap()
    }

    #[test]
    fn h5_an_answer_that_another_version_sealed_opens() {
        let opened = OpaqueText::parse(SECRET).unwrap().open_answer(SEALED_EARLIER);
        assert_eq!(opened.as_deref().map(Vec::as_slice), Some(&b"an answer"[..]));
    }

    #[test]
    fn h5_an_answer_opens_by_its_secret_alone() {
        let (own, other) = (secret(), secret());
        let sealed = text_of(&own).seal_answer(b"answer", &SystemRandom).unwrap();
        assert_eq!(text_of(&own).open_answer(&sealed).as_deref().map(Vec::as_slice), Some(&b"answer"[..]));
        assert!(text_of(&other).open_answer(&sealed).is_none());
        assert!(!sealed.contains(own.text().expose_secret()));
        let again = text_of(&own).seal_answer(b"answer", &SystemRandom).unwrap();
        assert_ne!(sealed, again, "each is sealed with a nonce of its own");
    }

    #[test]
    fn an_answer_has_a_longest() {
        let own = secret();
        let most = MAX_SEALED_LEN * 3 / 4 - 1 - NONCE_LEN - 16;
        assert!(text_of(&own).seal_answer(&vec![0; most], &SystemRandom).is_ok());
        assert_eq!(text_of(&own).seal_answer(&vec![0; most + 1], &SystemRandom), Err(SealError::TooLarge));
        assert!(text_of(&own).open_answer(&"A".repeat(MAX_SEALED_LEN + 1)).is_none());
    }

    proptest! {
        #[test]
        fn h5_what_was_changed_does_not_open(answer in prop::collection::vec(any::<u8>(), 0..200), at in 0..1_000_usize, to in 0..62_usize) {
            let own = secret();
            let sealed = text_of(&own).seal_answer(&answer, &SystemRandom).unwrap();
            let mut changed = sealed.clone().into_bytes();
            let at = at % changed.len();
            changed[at] = super::super::DIGITS[to];
            let changed = String::from_utf8(changed).unwrap();
            let opened = text_of(&own).open_answer(&changed);
            prop_assert_eq!(opened.map(|bytes| bytes.to_vec()), (changed == sealed).then_some(answer));
        }
    }
}
