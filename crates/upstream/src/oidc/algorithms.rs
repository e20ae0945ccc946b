//! The signatures that an ID token may have, by their names (RFC 7518 section 3.1, RFC 8037, RFC 9864).

use std::fmt;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use jsonwebtoken::Algorithm;

/// INVARIANT: never `none`, never HMAC, whose key would be our client secret.
const OURS: [(&str, Algorithm); 10] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    // Two names of one signature, since EdDSA is only ever used with this curve here.
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
];

/// Names that a token may have and that are not taken, to be told apart in a message.
const OTHERS: [&str; 9] =
    ["none", "HS256", "HS384", "HS512", "ES512", "ES256K", "Ed448", "ML-DSA-44", "ML-DSA-65"];

/// The name of the algorithm of a token, out of those that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmName(&'static str);

impl AlgorithmName {
    /// The known name that this is, or that it is none.
    pub(super) fn of(text: &str) -> Self {
        let mut known = OURS.iter().map(|(name, _)| *name).chain(OTHERS);
        Self(known.find(|name| *name == text).unwrap_or("an algorithm of unknown name"))
    }
}

impl fmt::Display for AlgorithmName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// Some of the algorithms that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// All that we take.
    pub(super) const ALL: Self = Self((1 << OURS.len()) - 1);

    /// Those whose names these are.
    pub(super) fn named(names: &[String]) -> Self {
        let bits = OURS.iter().enumerate().filter(|(_, (ours, _))| names.iter().any(|name| name == ours));
        Self(bits.fold(0, |set, (at, _)| set | 1 << at))
    }

    /// The same with another one.
    pub(super) fn with(self, name: &str) -> Self {
        Self(self.0 | Self::named(&[name.to_owned()]).0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The algorithm of this name, if it is one of them. A signature that has two names is taken by both.
    pub(super) fn find(self, name: &str) -> Option<Algorithm> {
        algorithm_of(name).filter(|algorithm| self.contains(*algorithm))
    }

    /// Whether this is one of them, under whichever name.
    pub(super) fn contains(self, algorithm: Algorithm) -> bool {
        self.members().any(|(_, ours)| ours == algorithm)
    }

    /// Their names.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        self.members().map(|(name, _)| name)
    }

    fn members(self) -> impl Iterator<Item = (&'static str, Algorithm)> {
        OURS.into_iter().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, ours)| ours)
    }
}

impl fmt::Display for AlgorithmSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        formatter.write_str(&names.join(", "))
    }
}

/// The algorithm of a name that we take.
pub(super) fn algorithm_of(name: &str) -> Option<Algorithm> {
    OURS.iter().find(|(ours, _)| *ours == name).map(|(_, algorithm)| *algorithm)
}

/// The hash that `at_hash` is made with (OpenID Connect Core section 3.1.3.6): the one of the signature.
pub(super) fn hash_of(algorithm: Algorithm) -> &'static digest::Algorithm {
    match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        // Ed25519 hashes with SHA-512 inside.
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &SHA512,
        _ => &SHA256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> AlgorithmSet {
        AlgorithmSet::named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn b6_neither_none_nor_hmac_is_ever_taken() {
        for name in OTHERS.into_iter().chain(["None", "rs256", "", "RS1", "Ed25519 "]) {
            assert_eq!(AlgorithmSet::ALL.find(name), None, "{name}");
            assert_eq!(algorithm_of(name), None, "{name}");
        }
        assert!(named(&OTHERS).is_empty());
    }

    #[test]
    fn a_set_has_the_algorithms_that_were_named() {
        let set = named(&["ES384", "none", "PS512", "unheard of"]);
        assert_eq!(set.to_string(), "PS512, ES384");
        assert_eq!(set.find("ES384"), Some(Algorithm::ES384));
        assert_eq!(set.find("RS256"), None);
        assert_eq!(set.with("RS256").find("RS256"), Some(Algorithm::RS256));
        assert_eq!(AlgorithmSet::ALL.members().count(), OURS.len());
    }

    #[test]
    fn both_names_of_ed25519_are_one() {
        for name in ["EdDSA", "Ed25519"] {
            assert_eq!(named(&[name]).find("EdDSA"), Some(Algorithm::EdDSA));
            assert_eq!(named(&[name]).find("Ed25519"), Some(Algorithm::EdDSA));
        }
    }

    #[test]
    fn n5_a_name_that_is_not_known_is_not_shown() {
        assert_eq!(AlgorithmName::of("ES512").to_string(), "ES512");
        assert_eq!(AlgorithmName::of("a secret").to_string(), "an algorithm of unknown name");
    }
}
