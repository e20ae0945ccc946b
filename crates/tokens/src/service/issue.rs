//! Issuing tokens.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use vestibule_domain::{ServiceName, SessionId, Timestamp, TokenId, UserId};

use super::pool::{Busy, Priority};
use crate::claims::{PERMISSION_TOKEN, PermissionClaims, USER_TOKEN, UserClaims, numeric_date};
use crate::compact::MAX_USER_TOKEN_LEN;
use crate::{KeyRing, TokenService};

// A permission provider answers with at most 64 KiB; in base64, and with the other claims, that is less than this.
const MAX_PERMISSION_TOKEN_LEN: usize = 128 * 1024;

/// Why no token was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    /// The ring has only public keys.
    #[error("there is no private key to sign with")]
    NoKey,
    /// The token would have ended before it began.
    #[error("the session or the credential that the token is for has ended")]
    Ended,
    /// Larger than verifiers accept.
    #[error("the token would be too large")]
    TooLarge,
    /// The cryptographic library failed.
    #[error("signing failed")]
    Failed,
    /// More signatures wait than can be made soon.
    #[error("too many signatures are waiting")]
    Busy,
}

/// A permission token with what a cache of tokens needs to know of it.
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

/// For whom a permission token is made.
#[derive(Debug, Clone, Copy)]
pub struct PermissionHolder<'a> {
    /// Whose it is.
    pub user: &'a UserId,
    /// Whether it is a role account, which the token then says.
    pub is_role_account: bool,
    /// When the credential ends that the token is for, if it ends by itself.
    pub ends_at: Option<Timestamp>,
}

impl From<Busy> for SignError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl TokenService {
    /// A user token for a session; it ends with the session, or after its own longest life if that comes first. Signed on
    /// the calling thread.
    pub fn issue_user_token(
        &self,
        user: &UserId,
        session: &SessionId,
        expires_at: Timestamp,
    ) -> Result<SecretString, SignError> {
        self.user_token(user, session, expires_at)?.sign()
    }

    /// The same, signed on the pool of signing threads, ahead of permission tokens.
    pub async fn issue_user_token_queued(
        &self,
        user: &UserId,
        session: &SessionId,
        expires_at: Timestamp,
    ) -> Result<SecretString, SignError> {
        self.sign_queued(Priority::SignIn, self.user_token(user, session, expires_at)?).await
    }

    /// A permission token for a service. Signed on the calling thread.
    pub fn issue_permission_token(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
    ) -> Result<PermissionToken, SignError> {
        let holder = PermissionHolder { user, is_role_account: false, ends_at: None };
        let (input, metadata) = self.permission_token(&holder, service, permissions)?;
        Ok(metadata.into_token(input.sign()?))
    }

    /// The same, signed on the pool of signing threads. The token of a role account says so, and none outlives the credential that it is
    /// for.
    pub async fn issue_permission_token_queued(
        &self,
        holder: &PermissionHolder<'_>,
        service: &ServiceName,
        permissions: &Map<String, Value>,
    ) -> Result<PermissionToken, SignError> {
        let (input, metadata) = self.permission_token(holder, service, permissions)?;
        Ok(metadata.into_token(self.sign_queued(Priority::Permission, input).await?))
    }

    async fn sign_queued(&self, priority: Priority, input: SigningInput) -> Result<SecretString, SignError> {
        let bytes = input.message.len();
        self.pool.run(priority, bytes, move || input.sign()).await?.unwrap_or(Err(SignError::Failed))
    }

    fn user_token(
        &self,
        user: &UserId,
        session: &SessionId,
        expires_at: Timestamp,
    ) -> Result<SigningInput, SignError> {
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
        SigningInput::new(self.ring.load_full(), now, USER_TOKEN, &claims, MAX_USER_TOKEN_LEN)
    }

    fn permission_token(
        &self,
        &PermissionHolder { user, is_role_account, ends_at }: &PermissionHolder<'_>,
        service: &ServiceName,
        permissions: &Map<String, Value>,
    ) -> Result<(SigningInput, TokenMetadata), SignError> {
        let now = self.clock.now();
        let issued_at = Timestamp::from_seconds(now.seconds());
        let longest = now.plus(self.settings.permission_token_ttl);
        let expires_at = Timestamp::from_seconds(ends_at.map_or(longest, |end| end.min(longest)).seconds());
        if ends_at.is_some() && expires_at <= issued_at {
            return Err(SignError::Ended);
        }
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
            roleaccount: is_role_account,
        };
        let ring = self.ring.load_full();
        let input = SigningInput::new(ring, now, PERMISSION_TOKEN, &claims, MAX_PERMISSION_TOKEN_LEN)?;
        let key_id = input.key_id.clone();
        Ok((input, TokenMetadata { key_id, issued_at, expires_at }))
    }
}

/// The parts of a permission token that are known before it is signed.
struct TokenMetadata {
    key_id: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl TokenMetadata {
    fn into_token(self, token: SecretString) -> PermissionToken {
        let Self { key_id, issued_at, expires_at } = self;
        PermissionToken { token, key_id, issued_at, expires_at }
    }
}

/// The JWS signing input (RFC 7515 section 5.1): everything of a token but its signature. `sign` looks the key up again in the
/// ring and at the moment for which the header was written, so it finds the same key.
struct SigningInput {
    ring: Arc<KeyRing>,
    now: Timestamp,
    key_id: String,
    message: String,
}

impl SigningInput {
    /// Our own exact encoding: a header that is always written alike, the claims in the order of their struct, no spaces.
    fn new(
        ring: Arc<KeyRing>,
        now: Timestamp,
        typ: &str,
        claims: &impl Serialize,
        max_len: usize,
    ) -> Result<Self, SignError> {
        let key = ring.signing(now).ok_or(SignError::NoKey)?;
        let key_id = key.public().kid().to_owned();
        let header = format!(r#"{{"alg":"RS256","typ":"{typ}","kid":"{key_id}"}}"#);
        let claims = serde_json::to_vec(claims).map_err(|_| SignError::Failed)?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        if message.len() + 1 + key.encoded_signature_len() > max_len {
            return Err(SignError::TooLarge);
        }
        Ok(Self { ring, now, key_id, message })
    }

    fn sign(self) -> Result<SecretString, SignError> {
        let key = self.ring.signing(self.now).ok_or(SignError::NoKey)?;
        let signature = key.sign(self.message.as_bytes()).ok_or(SignError::Failed)?;
        let mut token = self.message;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token.into())
    }
}
