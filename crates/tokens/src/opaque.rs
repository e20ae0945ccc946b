//! Opaque secrets: texts that mean nothing by themselves and are found by their digest.
//!
//! Every one that the service issues has one form: `vst`, the letter of its kind, `_`, 32 characters of 190 random bits, and 6 of a
//! checksum over all before. So scanners know one where it must not stand, and what was mistyped is refused without a question to
//! the database. The kind is part of what the digest is made of: no secret is one of another kind.

mod answer;
mod checksum;
mod find;
mod generate;
mod kind;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use vestibule_domain::SecretDigest;

pub use find::find_secrets;
pub use kind::OpaqueKind;

use crate::sha256;

const PREFIX: &[u8] = b"vst";
/// `vst`, a letter and `_`.
const HEAD: usize = 5;
const RANDOM: usize = 32;
const LENGTH: usize = HEAD + RANDOM + checksum::LENGTH;
/// How many of its last characters are kept, for people to know a secret by.
const HINT: usize = 4;

/// Digits of base 62, in the order of their bytes.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a text is no opaque secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpaqueError {
    /// It does not begin as our secrets do: it is something else, or another's.
    #[error("no secret of the service begins like this")]
    Foreign,
    /// It begins as one of ours and is none: its length, its characters or its checksum are wrong.
    #[error("a secret of the service that is damaged")]
    Damaged,
}

/// A text that has the form of a secret. Whether it was ever issued, only the database knows. Not `Debug`: it is a secret.
#[derive(Clone, Copy)]
pub struct OpaqueText<'a> {
    kind: OpaqueKind,
    text: &'a [u8],
}

impl<'a> OpaqueText<'a> {
    /// Looks at the form of a whole text.
    pub fn parse(text: &'a str) -> Result<Self, OpaqueError> {
        Self::parse_bytes(text.as_bytes())
    }

    fn parse_bytes(text: &'a [u8]) -> Result<Self, OpaqueError> {
        let kind = kind_of(text).ok_or(OpaqueError::Foreign)?;
        let is_whole = text.len() == LENGTH && checksum::is_right(text);
        if is_whole { Ok(Self { kind, text }) } else { Err(OpaqueError::Damaged) }
    }

    /// Of what kind it is.
    pub fn kind(self) -> OpaqueKind {
        self.kind
    }

    /// What it is found by.
    pub fn digest(self) -> SecretDigest {
        SecretDigest::new(sha256(self.text))
    }
}

fn kind_of(text: &[u8]) -> Option<OpaqueKind> {
    let [letter, b'_', ..] = text.strip_prefix(PREFIX)? else { return None };
    OpaqueKind::from_letter(*letter)
}

/// A secret that has just been made: the only moment at which its text is known.
pub struct OpaqueSecret {
    kind: OpaqueKind,
    text: SecretString,
}

impl OpaqueSecret {
    /// Of what kind it is.
    pub fn kind(&self) -> OpaqueKind {
        self.kind
    }

    /// The text, to be shown once.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What it is found by.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::new(sha256(self.text.expose_secret().as_bytes()))
    }

    /// Its last characters, for people to know it by.
    pub fn hint(&self) -> String {
        let text = self.text.expose_secret();
        text.get(text.len().saturating_sub(HINT)..).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests;
