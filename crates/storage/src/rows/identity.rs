//! What of a user counts, by what the user's identities state.

use diesel::prelude::*;
use vestibule_domain::{ConfiguredProviders, EmailAddress, Session, User};

use super::UserRow;
use crate::error::StorageError;
use crate::schema::identities;

/// An identity, as far as it decides what counts.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = identities)]
pub(crate) struct IdentityRow {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) provider: String,
    email: Option<String>,
    email_verified: bool,
}

impl IdentityRow {
    /// Whether it states this address, and that counts beyond the identity.
    pub(crate) fn verifies(&self, address: &EmailAddress, providers: &ConfiguredProviders) -> bool {
        let states = |stated: &String| stated.eq_ignore_ascii_case(address.as_str());
        self.email_verified
            && self.email.as_ref().is_some_and(states)
            && providers.trusts_email(&self.provider, &self.issuer, address)
    }

    /// Whether a session came by this identity. `issuer` is empty when that was not noted at its beginning.
    pub(crate) fn began(&self, session: &Session, issuer: &str, providers: &ConfiguredProviders) -> bool {
        let Some((name, subject)) = session.provider_id.split_once(':') else { return false };
        let is_same = match issuer {
            "" => self.provider == name,
            issuer => self.issuer == issuer,
        };
        is_same && self.subject == subject && providers.trusts_identity(name, &self.issuer)
    }
}

/// The user with the address only if one of these identities vouches for it now. What is in the row may have been stated by a
/// provider that is configured no more, or whose addresses count no more.
pub(crate) fn with_trusted_email(
    user: User,
    stated: &[IdentityRow],
    providers: &ConfiguredProviders,
) -> User {
    let vouched = |address: &EmailAddress| stated.iter().any(|row| row.verifies(address, providers));
    let email = user.email.clone().filter(vouched);
    User { email, ..user }
}

/// The user of a query that has one row for each identity, and one without when there is none.
pub(crate) fn read_user(
    rows: Vec<(UserRow, Option<IdentityRow>)>,
    providers: &ConfiguredProviders,
) -> Result<Option<User>, StorageError> {
    let (users, stated): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let stated: Vec<IdentityRow> = stated.into_iter().flatten().collect();
    let user = users.into_iter().next().map(User::try_from).transpose()?;
    Ok(user.map(|user| with_trusted_email(user, &stated, providers)))
}
