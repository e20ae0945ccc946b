//! The rows of `api_tokens`, and the way from them to the domain.

use diesel::prelude::*;
use serde_json::{Map, Value};
use vestibule_domain::{
    ApiToken, ApiTokenId, ApiTokenKind, LentLimits, Metadata, Scopes, Services, Timestamp, TokenName, UserId,
};

use crate::error::StorageError;
use crate::schema::api_tokens;

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
pub(crate) struct ApiTokenRow {
    id: String,
    kind: String,
    user_id: String,
    name: String,
    services: String,
    scopes: String,
    metadata: String,
    hint: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_ip: Option<String>,
}

impl TryFrom<ApiTokenRow> for ApiToken {
    type Error = StorageError;

    fn try_from(row: ApiTokenRow) -> Result<Self, StorageError> {
        let wrong = StorageError::InvalidValue;
        Ok(Self {
            id: ApiTokenId::try_from(row.id).map_err(|_| wrong("api_tokens.id"))?,
            kind: ApiTokenKind::parse(&row.kind).ok_or(wrong("api_tokens.kind"))?,
            user_id: UserId::try_from(row.user_id).map_err(|_| wrong("api_tokens.user_id"))?,
            name: TokenName::parse(&row.name).map_err(|_| wrong("api_tokens.name"))?,
            limits: LentLimits {
                services: Services::parse(&row.services).map_err(|_| wrong("api_tokens.services"))?,
                scopes: Scopes::parse(&row.scopes).map_err(|_| wrong("api_tokens.scopes"))?,
            },
            metadata: read_metadata(&row.metadata).ok_or(wrong("api_tokens.metadata"))?,
            hint: row.hint,
            created_at: Timestamp::from_micros(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
            last_used_ip: row.last_used_ip,
        })
    }
}

/// Metadata from the text in which it is kept.
pub(crate) fn read_metadata(text: &str) -> Option<Metadata> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    Metadata::new(object).ok()
}

/// The text in which metadata is kept.
pub(crate) fn write_metadata(metadata: &Metadata) -> String {
    Value::Object(metadata.as_object().clone()).to_string()
}
