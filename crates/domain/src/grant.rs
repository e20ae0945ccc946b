//! What a person lends to a program of their own.

use crate::{GrantId, LentLimits, SessionId, Timestamp, TokenName, UserId};

/// What a person lent to a program: the parent of access tokens and refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who lends.
    pub user_id: UserId,
    /// The session that it ends with; `None` for one that outlives sessions.
    pub session_id: Option<SessionId>,
    /// What the program is called.
    pub client_name: TokenName,
    /// What is lent, and where.
    pub limits: LentLimits,
    /// The identity that the person had signed in with, as `provider:subject`.
    pub provider_id: String,
    /// When the person had last shown the provider who they are.
    pub auth_time: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its tokens were last refreshed, or when it was made.
    pub last_used_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// The `User-Agent` that it was made with.
    pub user_agent: Option<String>,
    /// The address that it was made from.
    pub ip: Option<String>,
}
