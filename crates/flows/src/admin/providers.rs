//! What providers left behind that are configured no more.

use vestibule_domain::{AuditName, ConfiguredProviders, ProviderName};
use vestibule_storage::{OrphanedIdentities, RemovedIdentities};

use super::administration::Administration;
use super::error::AdminError;

/// What a provider left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftovers {
    /// The name of the provider.
    pub provider: ProviderName,
    /// Its identities, by issuer. Never empty.
    pub identities: Vec<OrphanedIdentities>,
    /// How many users have no other way to sign in. They stay.
    pub stranded_users: u64,
}

/// Checks that a provider is configured: else all identities would look as if they were left behind.
pub fn require_configured_provider(providers: &ConfiguredProviders) -> Result<(), AdminError> {
    providers.iter().next().map(|_| ()).ok_or(AdminError::NoConfiguredProvider)
}

impl Administration<'_> {
    /// Finds what a provider of this name left: identities of issuers that are not configured any more.
    pub async fn find_leftovers(&self, provider: &ProviderName) -> Result<Leftovers, AdminError> {
        require_configured_provider(self.storage().providers())?;
        let orphaned = self.storage().list_orphaned_identities().await?;
        let identities: Vec<_> =
            orphaned.into_iter().filter(|left| left.provider == provider.as_str()).collect();
        if identities.is_empty() {
            return Err(AdminError::NothingLeft(provider.clone()));
        }
        let stranded_users = self.storage().count_users_without_another_identity(provider).await?;
        Ok(Leftovers { provider: provider.clone(), identities, stranded_users })
    }

    /// Removes what was found, with the sessions that came by it.
    pub async fn remove_leftovers(&self, leftovers: &Leftovers) -> Result<RemovedIdentities, AdminError> {
        let Leftovers { provider, identities, .. } = leftovers;
        let count: u64 = identities.iter().map(|left| left.identities).sum();
        let now = self.now();
        let event = self.event(AuditName::ProviderForgotten, now).at_provider(provider.as_str());
        // Recorded first, because the change takes more than one transaction and may be interrupted.
        self.storage().record_audit_event(&event.with_detail("identities", count)).await?;
        Ok(self.storage().remove_orphaned_identities(provider, now).await?)
    }
}
