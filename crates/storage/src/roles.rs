//! Roles that the operator has assigned.

pub(crate) mod administrator;
pub(crate) mod row;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    AuditEvent, ProviderName, RoleAssignment, RoleAssignmentId, RoleSubject, ServiceName, Timestamp,
};

use crate::db::{operation, query};
use crate::error::StorageError;
use crate::roles::row::RoleRow;
use crate::schema::{coalesce, role_assignments};
use crate::storage::Storage;

impl Storage {
    /// Assigns a role. False when the same assignment exists.
    pub async fn grant_role(
        &self,
        assignment: &RoleAssignment,
        id: &RoleAssignmentId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let key = assignment.subject.key();
        let change = operation!(
            grant_role(assignment = assignment.clone(), key, id = id.clone(), now),
            |connection| {
                let user = matches!(assignment.subject, RoleSubject::User(_)).then_some(key);
                let insert = diesel::insert_into(role_assignments::table)
                    .values((
                        role_assignments::id.eq(id.as_str()),
                        role_assignments::subject_kind.eq(assignment.subject.kind()),
                        role_assignments::subject.eq(key),
                        role_assignments::user_id.eq(user),
                        role_assignments::role.eq(assignment.role.as_str()),
                        role_assignments::service.eq(assignment.service.as_ref().map(ServiceName::as_str)),
                        role_assignments::created_at.eq(now.micros()),
                        role_assignments::provider.eq(assignment.provider.as_ref().map(ProviderName::as_str)),
                    ))
                    .on_conflict_do_nothing();
                Ok(query!(connection, |c| insert.execute(c))? == 1)
            }
        );
        self.write_audited(event, change).await
    }

    /// Removes an assignment. False when it does not exist. An assignment for every service is not the same as one for a named
    /// service, and likewise with providers.
    pub async fn revoke_role(
        &self,
        assignment: &RoleAssignment,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let mut keys = vec![assignment.subject.key()];
        if let RoleSubject::OrganizationLogin(login) = &assignment.subject {
            // Versions before organization numbers write the login alone.
            keys.push(login.key());
        }
        let change = operation!(revoke_role(assignment = assignment.clone(), keys), |connection| {
            let service = assignment.service.as_ref().map_or("", ServiceName::as_str);
            let provider = assignment.provider.as_ref().map_or("", ProviderName::as_str);
            let delete = diesel::delete(role_assignments::table)
                .filter(role_assignments::subject_kind.eq(assignment.subject.kind()))
                .filter(role_assignments::subject.eq_any(keys))
                .filter(role_assignments::role.eq(assignment.role.as_str()))
                .filter(coalesce(role_assignments::service, "").eq(service))
                .filter(coalesce(role_assignments::provider, "").eq(provider));
            Ok(query!(connection, |c| delete.execute(c))? > 0)
        });
        self.write_audited(event, change).await
    }

    /// Lists every assignment, ordered by role, service and subject.
    pub async fn list_role_assignments(&self) -> Result<Vec<RoleAssignment>, StorageError> {
        let read = operation!(list_role_assignments(), |connection| {
            let select = role_assignments::table.order((
                role_assignments::role,
                coalesce(role_assignments::service, ""),
                role_assignments::subject_kind,
                role_assignments::subject,
                coalesce(role_assignments::provider, ""),
            ));
            query!(connection, |c| select.select(RoleRow::as_select()).load::<RoleRow>(c))
        });
        let rows = self.db.read(read).await?;
        rows.into_iter().map(RoleAssignment::try_from).collect()
    }
}
