//! Identities at providers: which a user has, which are trusted, and how they are removed.

mod detach;
pub(crate) mod email_ownership;
pub(crate) mod linked;
mod orphaned;
pub(crate) mod refusal;
pub(crate) mod row;
mod unlink;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{Timestamp, UserId};

use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::identities;
use crate::storage::Storage;

pub use orphaned::{OrphanedIdentities, RemovedIdentities};
pub use unlink::Unlinking;

/// An identity, for the operator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer's address.
    pub issuer: String,
    /// The subject within the issuer.
    pub subject: String,
    /// The name of the provider in the settings, at the last sign-in.
    pub provider: String,
    /// The login name there.
    pub login: Option<String>,
    /// The address that the issuer stated at the last sign-in.
    pub email: Option<String>,
    /// Whether that was verified, and the address was trusted.
    pub email_verified: bool,
    /// Whether it was verified by nothing but the provider's authority over it.
    pub email_by_authority: bool,
    /// When it last signed in.
    pub last_used_at: Timestamp,
}

impl Storage {
    /// Lists the identities of a user, the last used first.
    pub async fn list_identities(&self, user: &UserId) -> Result<Vec<Identity>, StorageError> {
        type Row = (String, String, String, Option<String>, Option<String>, bool, bool, i64);
        let read = operation!(list_identities(user), |connection| {
            let select = identities::table
                .filter(identities::user_id.eq(user.as_str()))
                .order((identities::last_used_at.desc(), identities::issuer, identities::subject))
                .select((
                    identities::issuer,
                    identities::subject,
                    identities::provider,
                    identities::login,
                    identities::email,
                    identities::email_verified,
                    identities::email_by_authority,
                    identities::last_used_at,
                ));
            query!(connection, |c| select.load::<Row>(c))
        });
        let rows = self.db.read(read).await?;
        let identity = |row: Row| {
            let (issuer, subject, provider, login, email, email_verified, email_by_authority, at) = row;
            let last_used_at = Timestamp::from_micros(at);
            Identity {
                issuer,
                subject,
                provider,
                login,
                email,
                email_verified,
                email_by_authority,
                last_used_at,
            }
        };
        Ok(rows.into_iter().map(identity).collect())
    }
}
