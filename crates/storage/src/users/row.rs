//! The rows of `users`, and the way from them to the domain.

use diesel::prelude::*;
use serde_json::{Map, Value};
use vestibule_domain::{
    Attributes, AvatarUrl, ConfiguredProviders, DisplayName, EmailAddress, Timestamp, User, UserId, UserKind,
    Username,
};

use crate::error::StorageError;
use crate::identities::row::IdentityRow;
use crate::schema::users;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    id: String,
    kind: String,
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
            kind: UserKind::parse(&row.kind).ok_or(StorageError::InvalidValue("users.kind"))?,
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

/// The user, with the address only if one of these identities verifies it now. The row may have an address of a provider that
/// is no longer configured, or whose addresses are no longer trusted.
pub(crate) fn with_trusted_email(
    user: User,
    stated: &[IdentityRow],
    providers: &ConfiguredProviders,
) -> User {
    let is_verified = |address: &EmailAddress| stated.iter().any(|row| row.verifies(address, providers));
    let email = user.email.clone().filter(is_verified);
    User { email, ..user }
}

/// The user of a query that has one row for each identity, or one row without an identity.
pub(crate) fn read_user(
    rows: Vec<(UserRow, Option<IdentityRow>)>,
    providers: &ConfiguredProviders,
) -> Result<Option<User>, StorageError> {
    let (users, stated): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let stated: Vec<IdentityRow> = stated.into_iter().flatten().collect();
    let user = users.into_iter().next().map(User::try_from).transpose()?;
    Ok(user.map(|user| with_trusted_email(user, &stated, providers)))
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

/// The text in which attributes are kept. An object of strings and numbers always has one.
pub(crate) fn write_attributes(attributes: &Attributes) -> String {
    Value::Object(attributes.as_object().clone()).to_string()
}
