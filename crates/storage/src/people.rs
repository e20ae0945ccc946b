//! What is known about who a user is, for the plugins that decide by it.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{EmailDomain, Person, PersonIdentity, RoleAssignment, RoleSubject, UserId};

use crate::db::{Connection, query};
use crate::error::{Failure, StorageError};
use crate::rows::{PersonIdentityRow, RoleRow};
use crate::schema::{coalesce, identities, role_assignments};
use crate::storage::Storage;

impl Storage {
    /// The identities of a user with what their providers stated, and the roles assigned to any of it. Two queries; nothing
    /// for a user who is not there.
    pub async fn find_person(&self, user: &UserId) -> Result<Person, StorageError> {
        self.db
            .read(user, |connection, user| {
                Box::pin(async move {
                    let identities = identities_of(connection, user).await?;
                    let roles = roles_of(connection, user, &identities).await?;
                    Ok(Person { identities, roles })
                })
            })
            .await
    }
}

async fn identities_of(connection: &mut Connection, user: &UserId) -> Result<Vec<PersonIdentity>, Failure> {
    let select = identities::table.filter(identities::user_id.eq(user.as_str())).order((
        identities::last_used_at.desc(),
        identities::issuer,
        identities::subject,
    ));
    let rows =
        query!(connection, |c| select.select(PersonIdentityRow::as_select()).load::<PersonIdentityRow>(c))?;
    Ok(rows.into_iter().map(PersonIdentity::try_from).collect::<Result<_, _>>()?)
}

/// Asks for subjects by their texts alone, and lets the kind decide afterwards: it is a short list either way.
async fn roles_of(
    connection: &mut Connection,
    user: &UserId,
    identities: &[PersonIdentity],
) -> Result<Vec<RoleAssignment>, Failure> {
    let subjects = subjects_of(user, identities);
    let texts: Vec<&str> = subjects.iter().map(|(_, text)| text.as_str()).collect();
    let select = role_assignments::table.filter(role_assignments::subject.eq_any(texts)).order((
        role_assignments::role,
        coalesce(role_assignments::service, ""),
        role_assignments::subject_kind,
        role_assignments::subject,
    ));
    let rows = query!(connection, |c| select.select(RoleRow::as_select()).load::<RoleRow>(c))?;
    let of_person = rows.into_iter().filter(|row| subjects.contains(&row.subject_key()));
    Ok(of_person.map(RoleAssignment::try_from).collect::<Result<_, _>>()?)
}

/// All that a role of this person can be assigned to, by kind and key.
fn subjects_of(user: &UserId, identities: &[PersonIdentity]) -> HashSet<(String, String)> {
    let emails = identities.iter().filter_map(PersonIdentity::verified_email);
    let of_email =
        |address| [RoleSubject::Domain(EmailDomain::of(address)), RoleSubject::Email(address.clone())];
    let organizations = identities.iter().flat_map(|identity| &identity.organizations);
    std::iter::once(RoleSubject::User(user.clone()))
        .chain(emails.flat_map(of_email))
        .chain(organizations.cloned().map(RoleSubject::Organization))
        .map(|subject| (subject.kind().to_owned(), subject.key()))
        .collect()
}
