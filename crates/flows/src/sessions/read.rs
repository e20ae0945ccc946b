//! Who a credential stands for, with the session behind it.

use vestibule_domain::{RoleName, Scope, Timestamp};

use crate::{FlowError, Flows, Principal};

/// Who a credential stands for, as apps and pages read it.
#[derive(Debug)]
pub struct SessionRecord {
    /// Who it is.
    pub principal: Principal,
    /// The roles that are assigned for every service.
    pub roles: Vec<RoleName>,
    /// When the session ends if it is not used any more; `None` for one that need not be used.
    pub idle_expires_at: Option<Timestamp>,
    /// When the session ends in any case; `None` without a session.
    pub expires_at: Option<Timestamp>,
}

impl Flows {
    /// Reads who a credential stands for.
    pub async fn read_session(&self, principal: Principal) -> Result<SessionRecord, FlowError> {
        if !principal.tells_profile() {
            return Err(FlowError::InsufficientScope { needed: Scope::PROFILE.to_owned() });
        }
        let storage = &self.dependencies.storage;
        // Nothing is assigned to whom a handler alone knows, and what is assigned to others counts only where it is lent.
        let assigned = if principal.is_foreign() || !principal.lends_roles() {
            Vec::new()
        } else {
            storage.find_user_context(&principal.user().id).await?.roles
        };
        let mut roles: Vec<RoleName> =
            assigned.into_iter().filter(|role| role.service.is_none()).map(|role| role.role).collect();
        roles.sort();
        roles.dedup();
        let limits = storage.session_limits();
        let session = principal.session();
        Ok(SessionRecord {
            idle_expires_at: session
                .and_then(|session| session.idle_end_after(principal.last_seen_at()?, &limits)),
            expires_at: session.map(|session| session.ends_at(&limits)),
            roles,
            principal,
        })
    }
}
