//! What people lend to programs of their own: grants, with the access and refresh tokens under them.
//!
//! A grant counts while it is not revoked, its generation is its user's, its user is not disabled, and the session that it hangs
//! on, if there is one, is alive. A token counts while its grant does. So ending a grant, a session or everything of a user is one
//! statement, whatever tokens there are.

mod alive;
mod create;
mod find;
mod list;
mod narrow;
mod refresh;
mod replay;
mod revoke;
mod row;

use vestibule_domain::{Grant, LentLimits, SecretDigest, Session, Timestamp, User};

pub use create::NewGrant;
pub use list::{GrantPage, GrantPlace};
pub use narrow::Narrowed;
pub use refresh::{Refresh, Refreshed};
pub use revoke::RevocationReason;

/// An access token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// What it is found by.
    pub digest: SecretDigest,
    /// What it was made for. It lends what its grant lends as well.
    pub limits: LentLimits,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An access token and the refresh token beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPair {
    /// The access token.
    pub access: AccessToken,
    /// What the refresh token is found by.
    pub refresh: SecretDigest,
    /// When the refresh token ends if it is not used.
    pub refresh_expires_at: Timestamp,
}

/// A grant that was alive when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGrant {
    /// The grant.
    pub grant: Grant,
    /// The session that it hangs on.
    pub session: Option<Session>,
    /// Its user, who is not disabled.
    pub user: User,
}

/// An access token that was alive when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAccessToken {
    /// The token.
    pub token: AccessToken,
    /// The grant that it belongs to.
    pub live: LiveGrant,
}

impl LiveAccessToken {
    /// What it lends: what both it and its grant lend now.
    pub fn limits(&self) -> LentLimits {
        let (own, lent) = (&self.token.limits, &self.live.grant.limits);
        LentLimits {
            services: own.services.intersection(&lent.services),
            scopes: own.scopes.intersection(&lent.scopes),
        }
    }
}

/// A refresh token that has not expired, of a grant that was alive when it was read. It may have been used before.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRefreshToken {
    /// What it is found by.
    pub digest: SecretDigest,
    /// Its place among those of its grant.
    pub generation: i64,
    /// The grant that it belongs to.
    pub live: LiveGrant,
}
