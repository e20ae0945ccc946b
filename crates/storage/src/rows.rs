//! Rows as they are read, and the way from them to the domain.

mod identity;
mod user_context;

use diesel::prelude::*;
use serde_json::{Map, Value};
use vestibule_domain::{
    Attributes, AvatarUrl, DisplayName, EmailAddress, Session, SessionId, Timestamp, User, UserId, Username,
};

use crate::error::StorageError;
use crate::schema::{sessions, users};

pub(crate) use identity::{IdentityRow, read_user, with_trusted_email};
pub(crate) use user_context::{LinkedIdentityRow, RoleRow, write_claims, write_organizations};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    id: String,
    username: Option<String>,
    name: Option<String>,
    email: Option<String>,
    avatar_url: Option<String>,
    attributes: String,
    join_date: i64,
    disabled_at: Option<i64>,
}

impl UserRow {
    /// The user's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<UserRow> for User {
    type Error = StorageError;

    fn try_from(row: UserRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: UserId::try_from(row.id).map_err(|_| StorageError::InvalidValue("users.id"))?,
            username: row.username.as_deref().map(read_username).transpose()?,
            name: row.name.as_deref().and_then(DisplayName::clean),
            email: row.email.as_deref().map(read_email).transpose()?,
            avatar_url: row.avatar_url.as_deref().and_then(AvatarUrl::clean),
            attributes: read_attributes(&row.attributes)?,
            join_date: Timestamp::from_micros(row.join_date),
            disabled_at: row.disabled_at.map(Timestamp::from_micros),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    id: String,
    user_id: String,
    provider_id: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = StorageError;

    fn try_from(row: SessionRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: SessionId::try_from(row.id).map_err(|_| StorageError::InvalidValue("sessions.id"))?,
            user_id: UserId::try_from(row.user_id)
                .map_err(|_| StorageError::InvalidValue("sessions.user_id"))?,
            provider_id: row.provider_id,
            created_at: Timestamp::from_micros(row.created_at),
            last_seen_at: Timestamp::from_micros(row.last_seen_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}

fn read_username(text: &str) -> Result<Username, StorageError> {
    Username::from_stored(text).map_err(|_| StorageError::InvalidValue("users.username"))
}

fn read_email(text: &str) -> Result<EmailAddress, StorageError> {
    EmailAddress::parse(text).map_err(|_| StorageError::InvalidValue("users.email"))
}

fn read_attributes(text: &str) -> Result<Attributes, StorageError> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| StorageError::InvalidValue("users.attributes"))?;
    Attributes::new(object).map_err(|_| StorageError::InvalidValue("users.attributes"))
}

fn read_identity_email(text: &str) -> Result<EmailAddress, StorageError> {
    EmailAddress::parse(text).map_err(|_| StorageError::InvalidValue("identities.email"))
}

/// The text in which attributes are kept. An object of strings and numbers always has one.
pub(crate) fn write_attributes(attributes: &Attributes) -> String {
    Value::Object(attributes.as_object().clone()).to_string()
}
