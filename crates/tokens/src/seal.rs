//! Sealing: a text that leaves the service, and that only the service can read or make when it comes back.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::sha256;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;
const HEAD_LEN: usize = 1 + KEY_ID_LEN;

/// What a text is sealed for. Each purpose has a key of its own, so that nothing sealed for one opens for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// An attempt to sign in, carried by the browser while its person is at the provider.
    LoginAttempt,
    /// What the backend of an app is given to reach the session of somebody who came to the app.
    SessionHandle,
}

impl SealPurpose {
    const fn label(self) -> &'static str {
        match self {
            Self::LoginAttempt => "login-attempt",
            Self::SessionHandle => "session-handle",
        }
    }

    /// The most bytes that a sealed text has. What is longer is not looked at.
    const fn max_len(self) -> usize {
        match self {
            // It travels in an address, which is not carried everywhere beyond this length.
            Self::LoginAttempt => 8 * 1024,
            // It travels in a header beside others, and holds three names.
            Self::SessionHandle => 1024,
        }
    }
}

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The ring has no private key.
    #[error("there is no private key to seal with")]
    NoKey,
    /// More than is carried everywhere.
    #[error("the text to seal is too large")]
    TooLarge,
    /// The cryptographic library failed.
    #[error("sealing failed")]
    Failed,
}

/// Names the private key whose derived key sealed a text.
pub(crate) type SealingKeyId = [u8; KEY_ID_LEN];

/// The keys that are derived from one private key.
pub(crate) struct SealingKeys {
    id: SealingKeyId,
    login_attempt: LessSafeKey,
    session_handle: LessSafeKey,
}

impl SealingKeys {
    /// Derives them by HKDF (RFC 5869): replicas that share the private key share these.
    pub(crate) fn derive(private_der: &[u8], kid: &str) -> Result<Self, Unspecified> {
        let root = Salt::new(HKDF_SHA256, b"vestibule sealing v1").extract(private_der);
        let digest = sha256(kid.as_bytes());
        let id = *digest.first_chunk().ok_or(Unspecified)?;
        Ok(Self {
            id,
            login_attempt: derived(&root, SealPurpose::LoginAttempt)?,
            session_handle: derived(&root, SealPurpose::SessionHandle)?,
        })
    }

    pub(crate) fn id(&self) -> SealingKeyId {
        self.id
    }

    /// `version | key id | nonce | ciphertext | tag` in base64url. The head, the purpose and the context are authenticated.
    pub(crate) fn seal(
        &self,
        purpose: SealPurpose,
        context: &str,
        nonce: [u8; NONCE_LEN],
        plaintext: &[u8],
    ) -> Result<String, SealError> {
        let mut body = plaintext.to_vec();
        self.key(purpose)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated_data(self.id, purpose, context)),
                &mut body,
            )
            .map_err(|_| SealError::Failed)?;
        let text = URL_SAFE_NO_PAD.encode([&[VERSION], self.id.as_slice(), &nonce, &body].concat());
        if text.len() > purpose.max_len() { Err(SealError::TooLarge) } else { Ok(text) }
    }

    /// The plaintext, if this text was sealed with these keys for this purpose and context.
    pub(crate) fn open(&self, purpose: SealPurpose, context: &str, sealed: Sealed) -> Option<Vec<u8>> {
        let Sealed { key_id, nonce, mut body } = sealed;
        let aad = Aad::from(associated_data(key_id, purpose, context));
        let length =
            self.key(purpose).open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }

    fn key(&self, purpose: SealPurpose) -> &LessSafeKey {
        match purpose {
            SealPurpose::LoginAttempt => &self.login_attempt,
            SealPurpose::SessionHandle => &self.session_handle,
        }
    }
}

/// A text that has the form of a sealed one; nothing about it is proven yet.
pub(crate) struct Sealed {
    pub(crate) key_id: SealingKeyId,
    nonce: [u8; NONCE_LEN],
    body: Vec<u8>,
}

impl Sealed {
    pub(crate) fn parse(purpose: SealPurpose, text: &str) -> Option<Self> {
        if text.len() > purpose.max_len() {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, rest) = bytes.split_first_chunk::<HEAD_LEN>()?;
        let (version, key_id) = head.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        (*version == VERSION).then_some(())?;
        Some(Self { key_id: key_id.try_into().ok()?, nonce: *nonce, body: body.to_vec() })
    }
}

fn derived(root: &Prk, purpose: SealPurpose) -> Result<LessSafeKey, Unspecified> {
    let key = UnboundKey::from(root.expand(&[purpose.label().as_bytes()], &AES_256_GCM_SIV)?);
    Ok(LessSafeKey::new(key))
}

/// The lengths are fixed up to the label, and a zero byte, which no label has, ends it: no two inputs read alike.
fn associated_data(key_id: SealingKeyId, purpose: SealPurpose, context: &str) -> Vec<u8> {
    [&[VERSION], key_id.as_slice(), purpose.label().as_bytes(), &[0], context.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sealed with the nonce 0 to 11 by another implementation of HKDF and AES-256-GCM-SIV (RFC 8452).
    const SEALED_EARLIER: &str = "AXokDUdCQM7kAAECAwQFBgcICQoL2FKr3IAlEu15HlW4x2utTXVcGKpyBQ";

    #[test]
    fn what_was_sealed_by_an_earlier_version_opens() {
        let keys = SealingKeys::derive(b"a private key", "its id").unwrap();
        let sealed = Sealed::parse(SealPurpose::LoginAttempt, SEALED_EARLIER).unwrap();
        let opened = keys.open(SealPurpose::LoginAttempt, "https://auth.example.com", sealed);
        assert_eq!(opened.as_deref(), Some(&b"a text"[..]));
    }
}
