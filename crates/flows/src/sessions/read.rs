//! Who a credential stands for, with the session behind it.

use vestibule_domain::{RoleName, Scope, Timestamp};
use vestibule_storage::VersionedData;

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
    /// What the app that asks keeps in the session.
    pub data: VersionedData,
}

impl Flows {
    /// Reads who a credential stands for, for a page at this origin.
    pub async fn read_session(
        &self,
        principal: Principal,
        origin: Option<&str>,
    ) -> Result<SessionRecord, FlowError> {
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
        let data = match (principal.session(), self.find_app(&principal, origin)) {
            (Some(session), Some(app)) => storage.find_session_data(&session.id, &app.name).await?,
            _ => VersionedData::default(),
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
            data,
            principal,
        })
    }
}
