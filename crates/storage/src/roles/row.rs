//! The rows of `role_assignments`, and the way from them to the domain.

use diesel::prelude::*;
use vestibule_domain::{ProviderName, RoleAssignment, RoleName, RoleSubject, ServiceName};

use crate::error::StorageError;
use crate::schema::role_assignments;

#[derive(Queryable, Selectable)]
#[diesel(table_name = role_assignments)]
pub(crate) struct RoleRow {
    subject_kind: String,
    subject: String,
    role: String,
    service: Option<String>,
    provider: Option<String>,
}

impl TryFrom<RoleRow> for RoleAssignment {
    type Error = StorageError;

    fn try_from(row: RoleRow) -> Result<Self, StorageError> {
        let service = row.service.as_deref().map(ServiceName::parse).transpose();
        let provider = row.provider.as_deref().map(ProviderName::parse).transpose();
        Ok(Self {
            role: RoleName::parse(&row.role)
                .map_err(|_| StorageError::InvalidValue("role_assignments.role"))?,
            subject: RoleSubject::from_key(&row.subject_kind, &row.subject)
                .ok_or(StorageError::InvalidValue("role_assignments.subject"))?,
            service: service.map_err(|_| StorageError::InvalidValue("role_assignments.service"))?,
            provider: provider.map_err(|_| StorageError::InvalidValue("role_assignments.provider"))?,
        })
    }
}
