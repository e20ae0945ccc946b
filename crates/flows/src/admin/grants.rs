//! What people lent to programs: looking at that of anybody, and ending it.

use vestibule_domain::{AuditName, Grant, GrantId, SecretDigest, User};
use vestibule_storage::RevocationReason;

use super::administration::Administration;
use super::error::AdminError;

/// How many digests one question names.
const DIGESTS: usize = 500;

impl Administration<'_> {
    /// Lists the grants of a user that have not ended, the latest first, whatever the settings of the providers are.
    pub async fn list_grants(&self, user: &User) -> Result<Vec<Grant>, AdminError> {
        Ok(self.storage().list_stored_grants(&user.id, self.now()).await?)
    }

    /// Finds a grant that has not ended, which must exist.
    pub async fn find_grant(&self, id: &GrantId) -> Result<Grant, AdminError> {
        let found = self.storage().find_stored_grant(id, self.now()).await?;
        found.ok_or_else(|| AdminError::UnknownGrant(id.clone()))
    }

    /// Finds the grants that have not ended whose tokens are among texts that were found somewhere. Each of them is known to others by now.
    pub async fn find_leaked_grants(&self, digests: &[SecretDigest]) -> Result<Vec<Grant>, AdminError> {
        let (now, mut grants) = (self.now(), Vec::new());
        for some in digests.chunks(DIGESTS) {
            for id in self.storage().find_grants_of_tokens(some).await? {
                grants.extend(self.storage().find_stored_grant(&id, now).await?);
            }
        }
        Ok(grants)
    }

    /// Ends a grant with every token of it. False if it ended meanwhile.
    pub async fn revoke_grant(&self, grant: &Grant) -> Result<bool, AdminError> {
        let (now, because) = (self.now(), RevocationReason::Revoked);
        let event = self
            .event(AuditName::GrantRevoked, now)
            .for_user(&grant.user_id)
            .with_detail("grant", grant.id.as_str())
            .with_detail("because", because.as_str());
        Ok(self.storage().revoke_grant((&grant.user_id, &grant.id), because, now, &event).await?)
    }
}
