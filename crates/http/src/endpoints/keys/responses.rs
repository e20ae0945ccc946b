//! The key set.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use vestibule_flows::{Jwk, JwkSet};

use crate::responses::describe;

/// The public keys (RFC 7517 section 5).
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct KeySetAnswer {
    /// The keys, oldest first.
    pub(crate) keys: Vec<KeyAnswer>,
}

impl From<JwkSet> for KeySetAnswer {
    fn from(set: JwkSet) -> Self {
        Self { keys: set.keys.into_iter().map(Into::into).collect() }
    }
}

impl Example for KeySetAnswer {
    fn example() -> Self {
        Self { keys: vec![KeyAnswer::example()] }
    }
}

/// A public RSA key (RFC 7518 section 6.3.1).
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct KeyAnswer {
    /// The type of key: `RSA`.
    pub(crate) kty: String,
    /// What it is for: `sig`.
    #[oai(rename = "use")]
    #[serde(rename = "use")]
    pub(crate) usage: String,
    /// The algorithm: `RS256`.
    pub(crate) alg: String,
    /// The id that the header of a token names: the key's thumbprint (RFC 7638).
    pub(crate) kid: String,
    /// The modulus, base64url.
    pub(crate) n: String,
    /// The public exponent, base64url.
    pub(crate) e: String,
}

impl From<Jwk> for KeyAnswer {
    fn from(key: Jwk) -> Self {
        let Jwk { kty, usage, alg, kid, n, e } = key;
        Self { kty: kty.into(), usage: usage.into(), alg: alg.into(), kid, n, e }
    }
}

impl Example for KeyAnswer {
    fn example() -> Self {
        Self {
            kty: "RSA".into(),
            usage: "sig".into(),
            alg: "RS256".into(),
            kid: "QzFh0mY3v0m8cHk1b5uVt2nWq7xLrE9sJd4aGpTfUyo".into(),
            n: "yIu3lq0mZ8kG2fV7tQ4bXw9sRjN1pHcD5eAoLvTgU6r...".into(),
            e: "AQAB".into(),
        }
    }
}

describe! {
    KeySetAnswer: "The keys.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn the_key_set_is_written_as_the_document_describes_it() {
        assert_written_as_documented(&KeySetAnswer::example());
    }
}
