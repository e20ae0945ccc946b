//! What the two kinds of token say.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{SessionId, Timestamp, TokenId, UserId};

use crate::TokenRefused;

/// The `typ` of a user token.
pub(crate) const USER_TOKEN: &str = "user+jwt";
/// The `typ` of a permission token.
pub(crate) const PERMISSION_TOKEN: &str = "permission+jwt";

/// The claims of a user token as they are written. All are required and no other is allowed: a claim that is added later
/// is first read, and written only when no replica refuses it any more.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserClaims<'a> {
    #[serde(borrow)]
    pub(crate) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sub: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) userid: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) aud: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sid: Cow<'a, str>,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    #[serde(borrow)]
    pub(crate) jti: Cow<'a, str>,
}

/// The claims of a permission token. There is no `aud`: the library that existing services verify with refuses every token
/// that has one, and `service` says the same.
#[derive(Serialize)]
pub(crate) struct PermissionClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) userid: &'a str,
    pub(crate) service: &'a str,
    pub(crate) permissions: &'a Map<String, Value>,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) jti: &'a str,
    /// The token of a person has no such claim.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) roleaccount: bool,
}

/// What a good user token says. Whether the session is still alive, the storage knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTokenClaims {
    /// Whose token it is.
    pub user_id: UserId,
    /// The session that it dies with.
    pub session_id: SessionId,
    /// The id of this very token.
    pub token_id: TokenId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl UserClaims<'_> {
    pub(crate) fn from_json(payload: &[u8]) -> Result<UserClaims<'_>, TokenRefused> {
        serde_json::from_slice(payload).map_err(|_| TokenRefused::Claims)
    }

    pub(crate) fn into_typed(self) -> Result<UserTokenClaims, TokenRefused> {
        if self.userid != self.sub {
            return Err(TokenRefused::Claims);
        }
        Ok(UserTokenClaims {
            user_id: UserId::parse(&self.sub).map_err(|_| TokenRefused::Claims)?,
            session_id: SessionId::parse(&self.sid).map_err(|_| TokenRefused::Claims)?,
            token_id: TokenId::parse(&self.jti).map_err(|_| TokenRefused::Claims)?,
            issued_at: moment(self.iat)?,
            expires_at: moment(self.exp)?,
        })
    }
}

/// The whole seconds since the epoch that a `NumericDate` claim states.
fn moment(seconds: u64) -> Result<Timestamp, TokenRefused> {
    i64::try_from(seconds).map(Timestamp::from_seconds).map_err(|_| TokenRefused::Claims)
}

/// A moment as a `NumericDate` claim; a clock before the epoch counts as the epoch.
pub(crate) fn numeric_date(moment: Timestamp) -> u64 {
    u64::try_from(moment.seconds()).unwrap_or(0)
}
