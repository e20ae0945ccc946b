//! What people lent to programs: looking at that of anybody, and ending it.

use vestibule_domain::{AuditName, Grant, GrantId, SecretDigest, User};
use vestibule_storage::RevocationReason;

use super::administration::Administration;
use super::error::AdminError;

/// How many grants a page has.
const PAGE: u32 = 500;
/// How many digests one question names.
const DIGESTS: usize = 500;

impl Administration<'_> {
    /// Lists the living grants of a user, the latest first.
    pub async fn list_grants(&self, user: &User) -> Result<Vec<Grant>, AdminError> {
        let (now, mut grants, mut after) = (self.now(), Vec::new(), None);
        loop {
            let page = self.storage().list_grants(Some(&user.id), after.as_ref(), PAGE, now).await?;
            grants.extend(page.grants);
            if page.next.is_none() {
                return Ok(grants);
            }
            after = page.next;
        }
    }

    /// Finds a living grant, which must exist.
    pub async fn find_grant(&self, id: &GrantId) -> Result<Grant, AdminError> {
        let found = self.storage().find_grant(None, id, self.now()).await?;
        found.ok_or_else(|| AdminError::UnknownGrant(id.clone()))
    }

    /// Finds the living grants whose tokens are among texts that were found somewhere. Each of them is known to others by now.
    pub async fn find_leaked_grants(&self, digests: &[SecretDigest]) -> Result<Vec<Grant>, AdminError> {
        let (now, mut grants) = (self.now(), Vec::new());
        for some in digests.chunks(DIGESTS) {
            for id in self.storage().find_grants_of_tokens(some).await? {
                grants.extend(self.storage().find_grant(None, &id, now).await?);
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
