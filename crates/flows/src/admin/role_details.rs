//! An assignment with what an administrator reads beside it.

use std::collections::BTreeSet;
use std::fmt;

use vestibule_domain::{RoleAssignment, RoleSubject, ServiceName, User};

use super::named::describe_user;

/// An assignment with what an administrator reads beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleDetails {
    /// The assignment.
    pub assignment: RoleAssignment,
    /// The user, if the assignment was named by one.
    pub user: Option<User>,
    /// The logins that the organization was seen under; empty for another subject.
    pub logins: BTreeSet<String>,
}

impl RoleDetails {
    pub(super) fn of_user(assignment: RoleAssignment, user: User) -> Self {
        Self { assignment, user: Some(user), logins: BTreeSet::new() }
    }

    pub(super) fn with_logins(assignment: RoleAssignment, logins: BTreeSet<String>) -> Self {
        Self { assignment, user: None, logins }
    }
}

/// Role, service and subject; for an organization also the logins that it was seen under.
impl fmt::Display for RoleDetails {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoleAssignment { role, subject, service, provider } = &self.assignment;
        write!(formatter, "{role}  {}  ", service.as_ref().map_or("every service", ServiceName::as_str))?;
        match &self.user {
            Some(user) => write!(formatter, "user {}", describe_user(user))?,
            None => write!(formatter, "{subject}")?,
        }
        if let Some(provider) = provider {
            write!(formatter, " by {provider}")?;
        }
        if let RoleSubject::OrganizationLogin(_) = subject {
            formatter.write_str(", counts for nothing until it is granted again")?;
        }
        if self.logins.is_empty() {
            return Ok(());
        }
        let logins: Vec<_> = self.logins.iter().map(String::as_str).collect();
        write!(formatter, " ({})", logins.join(", "))
    }
}
