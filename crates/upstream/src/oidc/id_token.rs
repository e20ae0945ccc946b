//! Is this ID token good? OpenID Connect Core section 3.1.3.7, as a pure function of token, keys and time.

use std::time::Duration;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use vestibule_domain::Timestamp;

use super::OidcSettings;
use super::algorithms::{AlgorithmName, AlgorithmSet, hash_of};
use super::claims::Claims;
use super::keys::KeySet;
use crate::error::Reason;

/// How far the clocks of two machines may be apart.
const LEEWAY_SECONDS: i64 = 60;
/// The same, for those who compare clocks.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(LEEWAY_SECONDS.unsigned_abs());
const MAX_LENGTH: usize = 64 * 1024;
const MAX_SUBJECT_LENGTH: usize = 255;
/// Two keys of one id are a mistake of the issuer that costs a second signature, and not more of them.
const MAX_KEYS_TO_TRY: usize = 4;

/// The `iss` that Google's documentation allows beside the one with a scheme.
const GOOGLE_ISSUER_WITHOUT_SCHEME: &str = "accounts.google.com";

/// What a good ID token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// Whom the token may be for besides us.
    pub(super) additional_audiences: &'a [String],
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a str,
    pub(super) algorithms: AlgorithmSet,
    pub(super) now: Timestamp,
}

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdTokenError {
    /// No key that we have fits: the issuer may have published a new one.
    UnknownKey,
    /// Signed in a way that is not taken.
    Algorithm { found: AlgorithmName, taken: AlgorithmSet },
    /// Anything else that newer keys would not change.
    Invalid(&'static str),
}

impl IdTokenError {
    pub(super) const UNKNOWN_KEY: &'static str = "no key of the issuer fits the id token";

    pub(super) fn reason(self) -> Reason {
        match self {
            Self::UnknownKey => Reason::Text(Self::UNKNOWN_KEY),
            Self::Algorithm { found, taken } => Reason::Algorithm { found, taken },
            Self::Invalid(reason) => Reason::Text(reason),
        }
    }
}

/// The claims of a token whose signature and claims are as they must be.
pub(super) fn validate(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, IdTokenError> {
    let invalid = IdTokenError::Invalid;
    if token.len() > MAX_LENGTH {
        return Err(invalid("the id token is too long"));
    }
    let header = Header::of(token).ok_or(invalid("the id token's header is malformed"))?;
    // RFC 7515 section 4.1.11: we understand no extension, so a critical one refuses the token.
    if header.crit.is_some() {
        return Err(invalid("the id token has critical header parameters"));
    }
    let algorithm = expected.algorithms.find(&header.alg).ok_or(IdTokenError::Algorithm {
        found: AlgorithmName::of(&header.alg),
        taken: expected.algorithms,
    })?;
    let payload = verified_payload(token, algorithm, header.kid.as_deref(), keys)?;
    let claims = Claims::parse(&payload)
        .ok_or(invalid("the id token's claims are not a JSON object, or have a number out of all range"))?;
    check_claims(&claims, algorithm, expected).map_err(invalid)?;
    Ok(claims)
}

/// The parameters of a header that are looked at. Keys that it brings along are not.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl Header {
    /// The header of a token of three parts.
    fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
    }
}

fn verified_payload(
    token: &str,
    algorithm: Algorithm,
    key_id: Option<&str>,
    keys: &KeySet,
) -> Result<Vec<u8>, IdTokenError> {
    let candidates = keys.candidates(algorithm, key_id);
    if candidates.is_empty() {
        return Err(IdTokenError::UnknownKey);
    }
    if candidates.len() > MAX_KEYS_TO_TRY {
        return Err(IdTokenError::Invalid("more than four keys of the issuer fit the id token"));
    }
    let malformed = IdTokenError::Invalid("the id token is malformed");
    let (message, signature) = token.rsplit_once('.').ok_or(malformed)?;
    if !candidates.into_iter().any(|key| is_signed(message, signature, key, algorithm)) {
        // Without a key id, a new key shows itself by nothing but this.
        let without_id = key_id.is_none();
        return Err(if without_id {
            IdTokenError::UnknownKey
        } else {
            IdTokenError::Invalid("the id token's signature is wrong")
        });
    }
    let (_, payload) = message.split_once('.').ok_or(malformed)?;
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed)
}

fn is_signed(message: &str, signature: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
}

fn check_claims(claims: &Claims, algorithm: Algorithm, expected: &Expected<'_>) -> Result<(), &'static str> {
    check_issuer(claims, expected.issuer)?;
    check_audience(claims, expected)?;
    check_times(claims, expected.now.seconds())?;
    check_nonce(claims, expected.nonce)?;
    check_access_token(claims, algorithm, expected.access_token)?;
    check_subject(claims)
}

fn check_issuer(claims: &Claims, expected: &str) -> Result<(), &'static str> {
    let issuer = claims.text("iss").ok_or("iss is missing or not a text")?;
    let is_google = expected == OidcSettings::GOOGLE_ISSUER && issuer == GOOGLE_ISSUER_WITHOUT_SCHEME;
    if issuer == expected || is_google { Ok(()) } else { Err("iss is another issuer") }
}

/// Core section 3.1.3.7, points 3 to 5: of several audiences, all that are not ours must be trusted ones, or `azp` must say that the
/// token was made for us.
fn check_audience(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    let client_id = expected.client_id;
    let audience = claims.audience().ok_or("aud is missing or neither a text nor a list of texts")?;
    if !audience.contains(&client_id) {
        return Err("aud does not contain our client id");
    }
    let is_known = |member: &&str| {
        *member == client_id || expected.additional_audiences.iter().any(|known| known == member)
    };
    match claims.get("azp") {
        None if !audience.iter().all(is_known) => {
            Err("aud has members that are not in additional_audiences, and azp is missing")
        }
        Some(party) if party.as_str() != Some(client_id) => Err("azp is another client"),
        _ => Ok(()),
    }
}

/// A fraction of a second is cut so that the token lives shorter, never longer.
fn check_times(claims: &Claims, now: i64) -> Result<(), &'static str> {
    let expires = claims.time("exp").ok_or("exp is missing")??.floor();
    let issued = claims.time("iat").ok_or("iat is missing")??.ceil();
    let earliest = match claims.time("nbf") {
        None => issued,
        Some(time) => time?.ceil(),
    };
    if now >= expires.saturating_add(LEEWAY_SECONDS) {
        return Err("the id token has expired");
    }
    if issued.max(earliest) > now.saturating_add(LEEWAY_SECONDS) {
        return Err("the id token is from the future");
    }
    Ok(())
}

fn check_nonce(claims: &Claims, expected: &str) -> Result<(), &'static str> {
    let nonce = claims.text("nonce").ok_or("nonce is missing or not a text")?;
    if expected.is_empty() || !equal(nonce, expected) {
        return Err("nonce is not the one of this sign-in");
    }
    Ok(())
}

/// Core section 3.1.3.8: the left half of the hash that belongs to the signature, when the issuer gives it.
fn check_access_token(claims: &Claims, algorithm: Algorithm, access_token: &str) -> Result<(), &'static str> {
    let Some(stated) = claims.get("at_hash") else { return Ok(()) };
    let digest = digest::digest(hash_of(algorithm), access_token.as_bytes());
    let (half, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    let matches = stated.as_str().is_some_and(|stated| equal(stated, &URL_SAFE_NO_PAD.encode(half)));
    if matches { Ok(()) } else { Err("at_hash does not fit the access token") }
}

fn check_subject(claims: &Claims) -> Result<(), &'static str> {
    let subject = claims.subject().ok_or("sub is missing or not a text")?;
    let fits = (1..=MAX_SUBJECT_LENGTH).contains(&subject.len()) && !subject.contains(char::is_control);
    if fits { Ok(()) } else { Err("sub is empty, too long or has control characters") }
}

fn equal(a: &str, b: &str) -> bool {
    constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;
