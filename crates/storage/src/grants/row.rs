//! The rows of `grants` and of the tokens under them, and the way from them to the domain.

use diesel::prelude::*;
use vestibule_domain::{
    Grant, GrantId, LentLimits, Scopes, SecretDigest, Services, SessionId, Timestamp, TokenName, UserId,
};

use super::AccessToken;
use crate::error::StorageError;
use crate::schema::{access_tokens, grants, refresh_tokens};

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
pub(crate) struct GrantRow {
    id: String,
    user_id: String,
    session_id: Option<String>,
    client_name: String,
    services: String,
    scopes: String,
    provider_id: String,
    auth_time: i64,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    user_agent: Option<String>,
    ip: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_tokens)]
pub(crate) struct AccessTokenRow {
    hash: String,
    services: String,
    scopes: String,
    created_at: i64,
    expires_at: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
pub(crate) struct RefreshTokenRow {
    pub(super) hash: String,
    pub(super) seen_at: Option<i64>,
    pub(super) spent_at: Option<i64>,
    pub(super) successor_sealed: Option<String>,
}

impl RefreshTokenRow {
    /// Whether it, or an access token of its generation, was used.
    pub(super) fn is_seen(&self) -> bool {
        self.seen_at.is_some() || self.spent_at.is_some()
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = StorageError;

    fn try_from(row: GrantRow) -> Result<Self, StorageError> {
        let invalid = StorageError::InvalidValue;
        Ok(Self {
            id: GrantId::try_from(row.id).map_err(|_| invalid("grants.id"))?,
            user_id: UserId::try_from(row.user_id).map_err(|_| invalid("grants.user_id"))?,
            session_id: row
                .session_id
                .map(SessionId::try_from)
                .transpose()
                .map_err(|_| invalid("grants.session_id"))?,
            client_name: TokenName::parse(&row.client_name).map_err(|_| invalid("grants.client_name"))?,
            limits: read_limits(&row.services, &row.scopes)?,
            provider_id: row.provider_id,
            auth_time: Timestamp::from_micros(row.auth_time),
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            user_agent: row.user_agent,
            ip: row.ip,
        })
    }
}

impl TryFrom<AccessTokenRow> for AccessToken {
    type Error = StorageError;

    fn try_from(row: AccessTokenRow) -> Result<Self, StorageError> {
        Ok(Self {
            digest: read_digest(&row.hash)?,
            limits: read_limits(&row.services, &row.scopes)?,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}

pub(super) fn read_digest(text: &str) -> Result<SecretDigest, StorageError> {
    SecretDigest::parse(text).ok_or(StorageError::InvalidValue("the hash of a token"))
}

fn read_limits(services: &str, scopes: &str) -> Result<LentLimits, StorageError> {
    Ok(LentLimits {
        services: Services::parse(services).map_err(|_| StorageError::InvalidValue("services of a grant"))?,
        scopes: Scopes::parse(scopes).map_err(|_| StorageError::InvalidValue("scopes of a grant"))?,
    })
}
