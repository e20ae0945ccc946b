//! The input of a policy decision: what the host says of the user.

use vestibule_plugin_sdk::{AssignedRole, Identity, PermissionRequest, Result};

/// The parts of a request that rules look at, parsed once.
pub(crate) struct PolicyInput<'a> {
    pub(crate) service: &'a str,
    pub(crate) user_id: &'a str,
    /// Only addresses that a provider has verified.
    pub(crate) emails: Vec<String>,
    pub(crate) identities: Vec<Identity>,
    /// Roles assigned in the database, at any service.
    pub(crate) assigned: Vec<AssignedRole>,
}

impl<'a> PolicyInput<'a> {
    pub(crate) fn from_request(request: &PermissionRequest<'a>) -> Result<Self> {
        Ok(Self {
            service: request.service(),
            user_id: request.user_id(),
            emails: request.verified_emails()?,
            identities: request.identities()?,
            assigned: request.roles()?,
        })
    }
}
