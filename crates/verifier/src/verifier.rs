//! The verifier itself.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use thiserror::Error;

use crate::PermissionGrant;
use crate::claims::Claims;
use crate::compact::Compact;
use crate::keys::{self, KeyError};

const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Why a token is refused. All but [`VerifyError::UnknownKey`] are final; the answer to the client is 401 in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Longer than any token of Vestibule.
    #[error("the token is too large")]
    TooLarge,
    /// Not a token in compact form, or with a header that Vestibule does not write.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than RS256.
    #[error("the token names another algorithm")]
    Algorithm,
    /// A user token, or another kind that is no permission token.
    #[error("the token is not a permission token")]
    Kind,
    /// Names a key that the verifier was not given: fetch the keys again, not more often than every 30 seconds.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature does not belong to the words.
    #[error("the signature of the token is wrong")]
    Signature,
    /// A claim is missing, repeated or of the wrong type.
    #[error("the claims of the token are not as they should be")]
    Claims,
    /// Another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// Another service.
    #[error("the token is for another service")]
    Service,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// Verifies the permission tokens of one issuer for one service.
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    service: String,
    leeway: Duration,
    keys: HashMap<String, DecodingKey>,
}

impl Verifier {
    /// A verifier that has no keys yet and so refuses every token. `issuer` is Vestibule's external address as it stands in
    /// the tokens, without a slash at the end; `service` is the name under which clients ask for this service.
    pub fn new(issuer: impl Into<String>, service: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), service: service.into(), leeway: DEFAULT_LEEWAY, keys: HashMap::new() }
    }

    /// Adds the key of a PEM text: what `GET /auth/public-key` answers.
    pub fn with_public_key_pem(mut self, pem: &str) -> Result<Self, KeyError> {
        let named = keys::from_pem(pem)?;
        self.keys.insert(named.kid, named.key);
        Ok(self)
    }

    /// Adds the keys of a JWK set, given as JSON: what `GET /.well-known/jwks.json` answers.
    pub fn with_jwks(mut self, json: &str) -> Result<Self, KeyError> {
        self.keys.extend(keys::from_jwks(json)?.into_iter().map(|named| (named.kid, named.key)));
        Ok(self)
    }

    /// How far this machine's clock may be from the issuer's: 30 seconds unless set, and never more than 5 minutes.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// What a token grants, if it is good at this moment. No claim is looked at before the signature is proven.
    pub fn verify(&self, token: &str, now_unix_seconds: u64) -> Result<PermissionGrant, VerifyError> {
        let token = Compact::parse(token)?;
        let key = self.keys.get(&token.kid).ok_or(VerifyError::UnknownKey)?;
        // The algorithm is a constant: nothing that a token says of itself can change it (RFC 8725 section 3.1).
        let verified =
            jsonwebtoken::crypto::verify(token.signature, token.message.as_bytes(), key, Algorithm::RS256);
        if !verified.unwrap_or(false) {
            return Err(VerifyError::Signature);
        }
        let claims: Claims<'_> = serde_json::from_slice(&token.payload).map_err(|_| VerifyError::Claims)?;
        self.require_parties(&claims)?;
        self.require_time(&claims, now_unix_seconds)?;
        Ok(claims.into())
    }

    pub(crate) fn require_parties(&self, claims: &Claims<'_>) -> Result<(), VerifyError> {
        if claims.iss != self.issuer {
            return Err(VerifyError::Issuer);
        }
        let for_us = claims.service == self.service
            && claims.aud.as_ref().is_none_or(|audience| *audience == self.service);
        if !for_us {
            return Err(VerifyError::Service);
        }
        let named = !claims.sub.is_empty() && claims.sub == claims.userid;
        if named { Ok(()) } else { Err(VerifyError::Claims) }
    }

    pub(crate) fn require_time(&self, claims: &Claims<'_>, now: u64) -> Result<(), VerifyError> {
        let leeway = self.leeway.as_secs();
        if claims.exp.saturating_add(leeway) <= now {
            return Err(VerifyError::Expired);
        }
        let begins = claims.iat.max(claims.nbf.unwrap_or(0));
        if begins > now.saturating_add(leeway) { Err(VerifyError::NotYetValid) } else { Ok(()) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("service", &self.service)
            .field("leeway", &self.leeway)
            .field("keys", &self.keys.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests;
