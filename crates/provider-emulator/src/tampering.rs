//! Flaws in ID tokens, made on purpose.

use serde_json::{Map, Value};

/// One flaw in an otherwise good ID token. Several apply in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Tampering {
    /// Sets a claim, whatever it was.
    SetClaim(String, Value),
    /// Leaves a claim out.
    RemoveClaim(String),
    /// Adds so many seconds to a claim that is a time, such as `exp` or `iat`; a negative number takes away.
    ShiftClaim(String, i64),
    /// Sets a header parameter; `alg` and `kid` are set by the signature first.
    SetHeader(String, Value),
    /// Leaves a header parameter out.
    RemoveHeader(String),
    /// Signs in another way.
    Sign(Signature),
}

impl Tampering {
    /// Sets a claim.
    pub fn set_claim(name: &str, value: impl Into<Value>) -> Self {
        Self::SetClaim(name.to_owned(), value.into())
    }

    /// Leaves a claim out.
    pub fn remove_claim(name: &str) -> Self {
        Self::RemoveClaim(name.to_owned())
    }

    /// Moves a claim that is a time.
    pub fn shift_claim(name: &str, seconds: i64) -> Self {
        Self::ShiftClaim(name.to_owned(), seconds)
    }

    /// Names a key that nobody has.
    pub fn unknown_key_id() -> Self {
        Self::SetHeader("kid".to_owned(), Value::from(crate::random::hex40()))
    }

    /// Names no key.
    pub fn no_key_id() -> Self {
        Self::RemoveHeader("kid".to_owned())
    }
}

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// RS256 with the issuer's signing key: good.
    #[default]
    Good,
    /// RS256 with one bit of the signature turned.
    Damaged,
    /// `alg` is `none` and the signature is empty.
    None,
    /// HS256 with the client's secret, which OpenID Connect knows but the client did not agree to.
    Hs256ClientSecret,
    /// HS256 with the public key's PEM as the secret.
    Hs256PublicPem,
    /// ES256 with a key of the issuer, which is published from then on.
    Es256,
    /// ES384, with a key in the same way.
    Es384,
    /// PS384, with a key in the same way.
    Ps384,
    /// Ed25519 under the name `EdDSA` (RFC 8037), with a key in the same way.
    EdDsa,
    /// The same under the name `Ed25519` (RFC 9864).
    Ed25519,
}

/// The signature that a list of flaws asks for: the last named, or a good one.
pub(crate) fn signature_of(tampering: &[Tampering]) -> Signature {
    let named = tampering.iter().rev().find_map(|flaw| match flaw {
        Tampering::Sign(signature) => Some(*signature),
        _ => None,
    });
    named.unwrap_or_default()
}

/// Applies all flaws but the signature.
pub(crate) fn tamper(
    tampering: &[Tampering],
    header: &mut Map<String, Value>,
    claims: &mut Map<String, Value>,
) {
    for flaw in tampering {
        match flaw {
            Tampering::SetClaim(name, value) => drop(claims.insert(name.clone(), value.clone())),
            Tampering::RemoveClaim(name) => drop(claims.remove(name)),
            Tampering::ShiftClaim(name, seconds) => shift(claims, name, *seconds),
            Tampering::SetHeader(name, value) => drop(header.insert(name.clone(), value.clone())),
            Tampering::RemoveHeader(name) => drop(header.remove(name)),
            Tampering::Sign(_) => {}
        }
    }
}

fn shift(claims: &mut Map<String, Value>, name: &str, seconds: i64) {
    if let Some(value) = claims.get_mut(name)
        && let Some(time) = value.as_i64()
    {
        *value = Value::from(time.saturating_add(seconds));
    }
}
