//! A user's identities and roles, for the plugins that decide by them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    ConfiguredProviders, EmailDomain, EmailVerification, LinkedIdentity, RoleAssignment, RoleSubject,
    UserContext, UserId,
};

use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::identities::linked::LinkedIdentityRow;
use crate::organizations::mark_unique_logins;
use crate::roles::row::RoleRow;
use crate::schema::{coalesce, identities, role_assignments};
use crate::storage::Storage;

impl Storage {
    /// Finds the trusted identities of a user, with what their providers stated, and the roles assigned to any of that. Two
    /// queries, and one more for a member of organizations. Empty for a user who does not exist.
    pub async fn find_user_context(&self, user: &UserId) -> Result<UserContext, StorageError> {
        let read = operation!(find_user_context(user, providers = self.providers.as_ref()), |connection| {
            let mut identities = identities_of(connection, user, providers).await?;
            mark_unique_logins(connection, &mut identities).await?;
            let roles = roles_of(connection, user, &identities).await?;
            Ok(UserContext { identities, roles })
        });
        self.db.read(read).await
    }
}

async fn identities_of(
    connection: &mut Connection,
    user: &UserId,
    providers: &ConfiguredProviders,
) -> Result<Vec<LinkedIdentity>, OperationError> {
    let select = identities::table.filter(identities::user_id.eq(user.as_str())).order((
        identities::last_used_at.desc(),
        identities::issuer,
        identities::subject,
    ));
    let rows =
        query!(connection, |c| select.select(LinkedIdentityRow::as_select()).load::<LinkedIdentityRow>(c))?;
    let trusted = rows.into_iter().filter(|row| {
        let (name, issuer) = row.provider();
        providers.trusts_identity(name, issuer)
    });
    let read = |row: LinkedIdentityRow| {
        let verification = row.email_verification();
        Ok(with_trusted_verification(row.read()?, verification, providers))
    };
    trusted.map(read).collect()
}

/// The same, with its address as unverified if it is not trusted beyond the identity.
fn with_trusted_verification(
    identity: LinkedIdentity,
    verification: EmailVerification,
    providers: &ConfiguredProviders,
) -> LinkedIdentity {
    let (name, issuer) = (identity.provider.as_str(), identity.identity.issuer.as_str());
    let counts = |address| providers.trusts_verified_email(name, issuer, address, verification);
    LinkedIdentity { email_verified: identity.email.as_ref().is_some_and(counts), ..identity }
}

/// Selects by the texts of subjects alone and filters by kind afterwards: the list is short either way.
async fn roles_of(
    connection: &mut Connection,
    user: &UserId,
    identities: &[LinkedIdentity],
) -> Result<Vec<RoleAssignment>, OperationError> {
    let subjects = Subjects::new(user, identities);
    let select = role_assignments::table.filter(role_assignments::subject.eq_any(subjects.texts())).order((
        role_assignments::role,
        coalesce(role_assignments::service, ""),
        role_assignments::subject_kind,
        role_assignments::subject,
        coalesce(role_assignments::provider, ""),
    ));
    let rows = query!(connection, |c| select.select(RoleRow::as_select()).load::<RoleRow>(c))?;
    let assignments: Vec<_> = rows.into_iter().map(RoleAssignment::try_from).collect::<Result<_, _>>()?;
    Ok(assignments.into_iter().filter(|assignment| subjects.have(assignment)).collect())
}

/// All that a role of one person can be assigned to, by kind and key, and which providers state each.
struct Subjects<'a>(HashMap<(&'static str, String), HashSet<&'a str>>);

impl<'a> Subjects<'a> {
    fn new(user: &UserId, identities: &'a [LinkedIdentity]) -> Self {
        let mut subjects = Self(HashMap::new());
        // Also of a user without any identity that counts.
        subjects.add(&RoleSubject::User(user.clone()), None);
        for identity in identities {
            let provider = Some(identity.provider.as_str());
            subjects.add(&RoleSubject::User(user.clone()), provider);
            if let Some(address) = identity.verified_email() {
                subjects.add(&RoleSubject::Domain(EmailDomain::of_address(address)), provider);
                subjects.add(&RoleSubject::Email(address.clone()), provider);
            }
            for membership in &identity.organizations {
                subjects.add(&RoleSubject::Organization(membership.organization.id), provider);
            }
        }
        subjects
    }

    fn add(&mut self, subject: &RoleSubject, provider: Option<&'a str>) {
        self.0.entry((subject.kind(), subject.key())).or_default().extend(provider);
    }

    fn texts(&self) -> Vec<&str> {
        self.0.keys().map(|(_, text)| text.as_str()).collect()
    }

    /// Whether an assignment is to this person, by the statement of its provider if it names one.
    fn have(&self, assignment: &RoleAssignment) -> bool {
        let stated_by = self.0.get(&(assignment.subject.kind(), assignment.subject.key()));
        let fits = |providers: &HashSet<&str>| {
            assignment.provider.as_ref().is_none_or(|name| providers.contains(name.as_str()))
        };
        assignment.is_sound() && stated_by.is_some_and(fits)
    }
}
