//! Issuing tokens.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use vestibule_domain::{ServiceName, SessionId, Timestamp, TokenId, UserId};

use crate::TokenService;
use crate::claims::{PERMISSION_TOKEN, PermissionClaims, USER_TOKEN, UserClaims, numeric_date};
use crate::compact::MAX_USER_TOKEN_LEN;
use crate::key::PrivateKey;

// A permission provider answers with at most 64 KiB; in base64, and with the other claims, that is less than this.
const MAX_PERMISSION_TOKEN_LEN: usize = 128 * 1024;

/// Why no token was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    /// The ring has only public keys.
    #[error("there is no private key to sign with")]
    NoKey,
    /// The token would have ended before it began.
    #[error("the session that the token is for has ended")]
    Ended,
    /// Larger than those who verify it accept.
    #[error("the token would be too large")]
    TooLarge,
    /// The cryptographic library failed.
    #[error("signing failed")]
    Failed,
}

/// A permission token, and what whoever keeps it to give it again must know of it.
#[derive(Debug, Clone)]
pub struct PermissionToken {
    /// The token.
    pub token: SecretString,
    /// The key that signed it.
    pub key_id: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl TokenService {
    /// A user token for a session; it ends with the session, or after its own longest life if that comes first.
    pub fn issue_user_token(
        &self,
        user: &UserId,
        session: &SessionId,
        expires_at: Timestamp,
    ) -> Result<SecretString, SignError> {
        let now = self.clock.now();
        let claims = UserClaims {
            iss: Cow::Borrowed(&self.settings.issuer),
            sub: Cow::Borrowed(user.as_str()),
            userid: Cow::Borrowed(user.as_str()),
            aud: Cow::Borrowed(&self.settings.issuer),
            sid: Cow::Borrowed(session.as_str()),
            iat: numeric_date(now),
            exp: numeric_date(expires_at.min(now.plus(self.settings.user_token_ttl))),
            jti: Cow::Owned(TokenId::random(&*self.randomness).into()),
        };
        if claims.exp <= claims.iat {
            return Err(SignError::Ended);
        }
        let ring = self.ring.load();
        let key = ring.signing(now).ok_or(SignError::NoKey)?;
        signed(key, USER_TOKEN, &claims, MAX_USER_TOKEN_LEN)
    }

    /// A permission token for a service.
    pub fn issue_permission_token(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
    ) -> Result<PermissionToken, SignError> {
        let now = self.clock.now();
        let issued_at = Timestamp::from_seconds(now.seconds());
        let expires_at = Timestamp::from_seconds(now.plus(self.settings.permission_token_ttl).seconds());
        let token_id = TokenId::random(&*self.randomness);
        let claims = PermissionClaims {
            iss: &self.settings.issuer,
            sub: user.as_str(),
            userid: user.as_str(),
            service: service.as_str(),
            permissions,
            iat: numeric_date(issued_at),
            exp: numeric_date(expires_at),
            jti: token_id.as_str(),
        };
        let ring = self.ring.load();
        let key = ring.signing(now).ok_or(SignError::NoKey)?;
        let token = signed(key, PERMISSION_TOKEN, &claims, MAX_PERMISSION_TOKEN_LEN)?;
        Ok(PermissionToken { token, key_id: key.public().kid().to_owned(), issued_at, expires_at })
    }
}

/// Our own exact encoding: a header that is always written alike, the claims in the order of their struct, no spaces.
fn signed(
    key: &PrivateKey,
    typ: &str,
    claims: &impl Serialize,
    max_len: usize,
) -> Result<SecretString, SignError> {
    let header = format!(r#"{{"alg":"RS256","typ":"{typ}","kid":"{}"}}"#, key.public().kid());
    let claims = serde_json::to_vec(claims).map_err(|_| SignError::Failed)?;
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    if token.len() + 1 + key.encoded_signature_len() > max_len {
        return Err(SignError::TooLarge);
    }
    let signature = key.sign(token.as_bytes()).ok_or(SignError::Failed)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token.into())
}
