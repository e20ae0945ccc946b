//! What a permission token says.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The claims as they are written. Others that a later version may add are passed over (RFC 7519 section 4).
#[derive(Deserialize)]
pub(crate) struct Claims<'a> {
    #[serde(borrow)]
    pub(crate) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sub: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) userid: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) service: Cow<'a, str>,
    pub(crate) permissions: Map<String, Value>,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    #[serde(borrow)]
    pub(crate) jti: Cow<'a, str>,
    // Not written today. A token that has them is not read as if it had not.
    #[serde(borrow, default)]
    pub(crate) aud: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) nbf: Option<u64>,
}

/// What a good token grants.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionGrant {
    /// The user. Never changes, and is never given to another.
    pub user_id: String,
    /// The service that the permissions are for: yours.
    pub service: String,
    /// What the user may do, in the words of the service's permission plugin.
    pub permissions: Map<String, Value>,
    /// When the token was issued, in seconds since the epoch.
    pub issued_at: u64,
    /// When it ends, in seconds since the epoch.
    pub expires_at: u64,
    /// The id of this token.
    pub token_id: String,
}

impl PermissionGrant {
    /// Whether a permission is present and `true`. Absent, `false`, `"true"` and `1` are all no.
    pub fn allows(&self, permission: &str) -> bool {
        self.permissions.get(permission) == Some(&Value::Bool(true))
    }
}

impl From<Claims<'_>> for PermissionGrant {
    fn from(claims: Claims<'_>) -> Self {
        Self {
            user_id: claims.sub.into_owned(),
            service: claims.service.into_owned(),
            permissions: claims.permissions,
            issued_at: claims.iat,
            expires_at: claims.exp,
            token_id: claims.jti.into_owned(),
        }
    }
}
