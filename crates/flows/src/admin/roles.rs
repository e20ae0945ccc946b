//! Roles that an administrator grants, revokes and lists.

use std::collections::BTreeSet;

use vestibule_domain::{
    AdministratorRole, AuditEvent, AuditName, ProviderName, RoleAssignment, RoleAssignmentId, RoleName,
    RoleSubject, SecureRandom, ServiceName, Timestamp, User,
};

use super::administration::Administration;
use super::error::{AdminError, ReservedServiceRule};
use super::named::{NamedOrganization, NamedSubject};
use super::role_details::RoleDetails;

/// An assignment as an administrator names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRequest {
    /// The role.
    pub role: RoleName,
    /// To whom.
    pub subject: NamedSubject,
    /// At which service; at every one but the service itself when none is named.
    pub service: Option<ServiceName>,
    /// By whose statement alone; any provider's when none is named.
    pub provider: Option<ProviderName>,
}

impl RoleRequest {
    fn assignment(&self, subject: RoleSubject) -> RoleAssignment {
        let Self { role, service, provider, .. } = self.clone();
        RoleAssignment { role, subject, service, provider }
    }

    /// The same assignment as it was stored before numbers of organizations were, if it is named by a login.
    fn by_login_alone(&self) -> Option<RoleAssignment> {
        match &self.subject {
            NamedSubject::Organization(NamedOrganization::Login(login)) => {
                Some(self.assignment(RoleSubject::OrganizationLogin(login.clone())))
            }
            _ => None,
        }
    }
}

/// A role that was granted.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantedRole {
    /// The assignment.
    pub role: RoleDetails,
    /// Whether it is new. Otherwise it was granted before, and nothing has changed.
    pub is_new: bool,
}

impl Administration<'_> {
    /// Grants a role. An assignment of the same role to the organization's login, from before numbers were stored, goes.
    pub async fn grant_role(
        &self,
        randomness: &dyn SecureRandom,
        request: &RoleRequest,
    ) -> Result<GrantedRole, AdminError> {
        let role = self.find_role(request).await?;
        check_reserved_service(&role.assignment)?;
        let (id, now) = (RoleAssignmentId::random(randomness), self.now());
        let event = self.role_event(AuditName::RoleGranted, &role.assignment, now);
        let is_new = self.storage().grant_role(&role.assignment, &id, now, &event).await?;
        if let Some(earlier) = request.by_login_alone() {
            self.revoke_assignment(&earlier).await?;
        }
        Ok(GrantedRole { role, is_new })
    }

    /// Revokes a role, named as it was granted.
    pub async fn revoke_role(&self, request: &RoleRequest) -> Result<RoleDetails, AdminError> {
        if let Some(earlier) = request.by_login_alone()
            && self.revoke_assignment(&earlier).await?
        {
            return self.describe_role(earlier).await;
        }
        let role = self.find_role(request).await?;
        if self.revoke_assignment(&role.assignment).await? {
            Ok(role)
        } else {
            Err(AdminError::RoleNotGranted(Box::new(role)))
        }
    }

    /// Lists all assignments, or those that count for one user.
    pub async fn list_roles(&self, user: Option<&User>) -> Result<Vec<RoleDetails>, AdminError> {
        let assignments = match user {
            None => self.storage().list_role_assignments().await?,
            Some(user) => self.storage().find_user_context(&user.id).await?.roles,
        };
        let mut roles = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            roles.push(self.describe_role(assignment).await?);
        }
        Ok(roles)
    }

    /// The assignment that is named, with the user or the organization that was found.
    async fn find_role(&self, request: &RoleRequest) -> Result<RoleDetails, AdminError> {
        let subject = match &request.subject {
            NamedSubject::User(named) => {
                let user = self.find_user(named).await?;
                let assignment = request.assignment(RoleSubject::User(user.id.clone()));
                return Ok(RoleDetails::of_user(assignment, user));
            }
            NamedSubject::Email(address) => RoleSubject::Email(address.clone()),
            NamedSubject::Domain(domain) => RoleSubject::Domain(domain.clone()),
            NamedSubject::Organization(named) => {
                RoleSubject::Organization(self.find_organization(named).await?)
            }
        };
        self.describe_role(request.assignment(subject)).await
    }

    async fn describe_role(&self, assignment: RoleAssignment) -> Result<RoleDetails, AdminError> {
        let logins = match &assignment.subject {
            RoleSubject::Organization(id) => self.storage().list_logins_of_organization(*id).await?,
            _ => BTreeSet::new(),
        };
        Ok(RoleDetails::with_logins(assignment, logins))
    }

    async fn revoke_assignment(&self, assignment: &RoleAssignment) -> Result<bool, AdminError> {
        let event = self.role_event(AuditName::RoleRevoked, assignment, self.now());
        Ok(self.storage().revoke_role(assignment, &event).await?)
    }

    /// The event of an assignment. The audit trail has no address, only its domain.
    fn role_event(&self, name: AuditName, assignment: &RoleAssignment, now: Timestamp) -> AuditEvent {
        let service = assignment.service.as_ref().map(ServiceName::as_str);
        let event = self
            .event(name, now)
            .with_detail("role", assignment.role.to_string())
            .with_detail("service", service)
            .with_detail("to", assignment.subject.kind())
            .with_detail("by", assignment.provider.as_ref().map(ProviderName::as_str));
        match &assignment.subject {
            RoleSubject::User(user) => event.for_user(user),
            RoleSubject::Email(email) => {
                event.with_detail("domain", email.as_str().rsplit('@').next().unwrap_or_default())
            }
            RoleSubject::Domain(_) => event.with_detail("domain", assignment.subject.key()),
            RoleSubject::Organization(_) | RoleSubject::OrganizationLogin(_) => {
                event.with_detail("organization", assignment.subject.key())
            }
        }
    }
}

/// Checks roles at the service itself: they are few, and no statement of a provider gives one.
fn check_reserved_service(assignment: &RoleAssignment) -> Result<(), AdminError> {
    let Some(service) = assignment.service.as_ref().filter(|service| service.is_reserved()) else {
        return Ok(());
    };
    let rule = if *service != ServiceName::vestibule() {
        ReservedServiceRule::Spelling
    } else if !assignment.is_sound() {
        ReservedServiceRule::UsersAlone
    } else if AdministratorRole::named(&assignment.role).is_none() {
        ReservedServiceRule::KnownRoles
    } else {
        return Ok(());
    };
    Err(AdminError::ReservedService { service: service.clone(), rule })
}
