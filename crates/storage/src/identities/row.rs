//! The rows of `identities`, as far as they decide what is trusted.

use diesel::prelude::*;
use vestibule_domain::{ConfiguredProviders, EmailAddress, EmailVerification, Session};

use crate::schema::identities;

/// An identity, as far as it decides what is trusted.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = identities)]
pub(crate) struct IdentityRow {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) provider: String,
    email: Option<String>,
    email_verified: bool,
    email_by_authority: bool,
}

/// The first of these that a provider that is configured now has stated, as `provider:subject`.
pub(crate) fn first_trusted(stated: &[IdentityRow], providers: &ConfiguredProviders) -> Option<String> {
    let trusted = stated.iter().find(|row| providers.trusts_identity(&row.provider, &row.issuer));
    trusted.map(|row| format!("{}:{}", row.provider, row.subject))
}

impl IdentityRow {
    /// Whether it has this address as a verified one, and the address is trusted beyond the identity.
    pub(crate) fn verifies(&self, address: &EmailAddress, providers: &ConfiguredProviders) -> bool {
        let states = |stated: &String| stated.eq_ignore_ascii_case(address.as_str());
        let verification = EmailVerification::new(self.email_verified, self.email_by_authority);
        self.email.as_ref().is_some_and(states)
            && providers.trusts_verified_email(&self.provider, &self.issuer, address, verification)
    }

    /// Whether a session began with this identity. `issuer` is empty if the session was stored without one.
    pub(crate) fn started(&self, session: &Session, issuer: &str, providers: &ConfiguredProviders) -> bool {
        let Some((name, subject)) = session.provider_id.split_once(':') else { return false };
        let is_same = match issuer {
            "" => self.provider == name,
            issuer => self.issuer == issuer,
        };
        is_same && self.subject == subject && providers.trusts_identity(name, &self.issuer)
    }

    /// Whether it is the identity that `provider:subject` names, of a provider that is configured now.
    pub(crate) fn is_trusted_as(&self, provider_id: &str, providers: &ConfiguredProviders) -> bool {
        provider_id.split_once(':').is_some_and(|(name, subject)| {
            self.provider == name && self.subject == subject && providers.trusts_identity(name, &self.issuer)
        })
    }
}
