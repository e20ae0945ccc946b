//! Finds the organization that an administrator names.

use vestibule_domain::OrganizationId;

use super::administration::Administration;
use super::error::AdminError;
use super::named::NamedOrganization;

impl Administration<'_> {
    /// Finds an organization. A login names one only if no other was ever seen under it: an organization that takes over a login
    /// must not inherit the roles granted under it.
    pub(super) async fn find_organization(
        &self,
        named: &NamedOrganization,
    ) -> Result<OrganizationId, AdminError> {
        let login = match named {
            NamedOrganization::Number(id) => return Ok(*id),
            NamedOrganization::Login(login) => login,
        };
        let seen = self.storage().list_organizations_by_login(login).await?;
        let numbers: Vec<_> = seen.into_iter().collect();
        match numbers.as_slice() {
            [id] => Ok(*id),
            [] => Err(AdminError::UnknownOrganization(login.clone())),
            _ => Err(AdminError::AmbiguousOrganization { login: login.clone(), numbers }),
        }
    }
}
