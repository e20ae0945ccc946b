//! The identities of a user: which of them count, and taking one away.

use vestibule_domain::{
    AuditName, ConfiguredProviders, EmailAddress, EmailVerification, IdentityKey, ProviderName, User,
};
use vestibule_storage::{Identity, Unlinking};

use super::administration::Administration;
use super::error::AdminError;

/// An identity of a user, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityDetails {
    /// The identity.
    pub identity: Identity,
    /// Whether it counts.
    pub standing: IdentityStanding,
}

/// Whether an identity counts, under the providers that the settings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityStanding {
    /// It counts, and its address, if it has one.
    Counts,
    /// It counts; its address does not.
    WithoutEmail,
    /// It counts for nothing: its provider is not configured.
    Orphaned,
}

impl IdentityStanding {
    fn find(identity: &Identity, providers: &ConfiguredProviders) -> Self {
        let Identity { issuer, provider, .. } = identity;
        let counts = |address: &EmailAddress| {
            let verification = EmailVerification::new(identity.email_verified, identity.email_by_authority);
            providers.trusts_verified_email(provider, issuer, address, verification)
        };
        let address = identity.email.as_deref().and_then(|text| EmailAddress::parse(text).ok());
        match &address {
            _ if !providers.trusts_identity(provider, issuer) => Self::Orphaned,
            Some(address) if !counts(address) => Self::WithoutEmail,
            _ => Self::Counts,
        }
    }
}

impl Administration<'_> {
    pub(super) async fn list_identities(&self, user: &User) -> Result<Vec<IdentityDetails>, AdminError> {
        let providers = self.storage().providers();
        let identities = self.storage().list_identities(&user.id).await?;
        let details = |identity: Identity| {
            let standing = IdentityStanding::find(&identity, providers);
            IdentityDetails { identity, standing }
        };
        Ok(identities.into_iter().map(details).collect())
    }

    /// Removes an identity from a user with the sessions that came by it, and says how many. The last way to sign in stays.
    pub async fn unlink_identity(
        &self,
        user: &User,
        provider: &ProviderName,
        subject: &str,
    ) -> Result<u64, AdminError> {
        let unknown = || AdminError::UnknownIdentity {
            user: Box::new(user.clone()),
            provider: provider.clone(),
            subject: subject.to_owned(),
        };
        let issuer = self.find_issuer(user, provider, subject).await?.ok_or_else(unknown)?;
        let key = IdentityKey { issuer, subject: subject.to_owned() };
        let now = self.now();
        let event = self.event(AuditName::IdentityUnlinked, now).for_user(&user.id);
        let event = event.at_provider(provider.as_str());
        match self.storage().unlink_identity(&user.id, &key, now, &event).await? {
            Unlinking::Done { sessions } => Ok(sessions),
            Unlinking::LastIdentity => Err(AdminError::LastIdentity {
                user: Box::new(user.clone()),
                provider: provider.clone(),
                subject: subject.to_owned(),
            }),
            Unlinking::Unknown => Err(unknown()),
        }
    }

    /// The issuer of the user's identity at this provider. The issuer that the name leads to now goes before earlier ones.
    async fn find_issuer(
        &self,
        user: &User,
        provider: &ProviderName,
        subject: &str,
    ) -> Result<Option<String>, AdminError> {
        let identities = self.storage().list_identities(&user.id).await?;
        let fits = |found: &Identity| found.provider == provider.as_str() && found.subject == subject;
        let fitting = identities.into_iter().filter(fits);
        let providers = self.storage().providers();
        let best = fitting.min_by_key(|found| !providers.trusts_identity(&found.provider, &found.issuer));
        Ok(best.map(|identity| identity.issuer))
    }
}
