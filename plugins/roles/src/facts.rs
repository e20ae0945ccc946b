//! What the host says of the person who asks.

use vestibule_plugin_sdk::{AssignedRole, Identity, PermissionRequest, Result};

/// A request, read once.
pub(crate) struct Facts<'a> {
    pub(crate) service: &'a str,
    pub(crate) user_id: &'a str,
    /// Only what a provider has verified.
    pub(crate) emails: Vec<String>,
    pub(crate) identities: Vec<Identity>,
    /// Of the database, at any service.
    pub(crate) assigned: Vec<AssignedRole>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(request: &PermissionRequest<'a>) -> Result<Self> {
        Ok(Self {
            service: request.service(),
            user_id: request.user_id(),
            emails: request.verified_emails()?,
            identities: request.identities()?,
            assigned: request.roles()?,
        })
    }
}
