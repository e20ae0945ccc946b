//! Roles at the service itself.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AdministratorRole, RoleAssignment, ServiceName, UserId, UserKind};

use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::roles::row::RoleRow;
use crate::schema::{role_assignments, users};
use crate::storage::Storage;

impl Storage {
    /// Finds the highest role that a person who is not disabled has at the service itself. It was assigned to this user at exactly that
    /// service: none for every service counts, and none by what a provider states.
    pub async fn find_administrator_role(
        &self,
        user: &UserId,
    ) -> Result<Option<AdministratorRole>, StorageError> {
        let read = operation!(find_administrator_role(user), |connection| {
            let vestibule = ServiceName::vestibule();
            let select = role_assignments::table
                .inner_join(users::table.on(users::id.nullable().eq(role_assignments::user_id)))
                .filter(users::id.eq(user.as_str()))
                .filter(users::kind.eq(UserKind::Person.as_str()))
                .filter(users::disabled_at.is_null())
                .filter(role_assignments::service.eq(vestibule.as_str()));
            query!(connection, |c| select.select(RoleRow::as_select()).load::<RoleRow>(c))
        });
        let rows = self.db.read(read).await?.into_iter();
        let assignments: Vec<_> = rows.map(RoleAssignment::try_from).collect::<Result<_, _>>()?;
        let sound = assignments.iter().filter(|assignment| assignment.is_sound());
        Ok(sound.filter_map(|assignment| AdministratorRole::named(&assignment.role)).max())
    }
}

/// Whether a user has a role at the service itself.
pub(crate) async fn is_administrator(
    connection: &mut Connection,
    user: &UserId,
) -> Result<bool, OperationError> {
    let vestibule = ServiceName::vestibule();
    let roles = role_assignments::table
        .filter(role_assignments::user_id.eq(user.as_str()))
        .filter(role_assignments::service.eq(vestibule.as_str()));
    let select = diesel::select(exists(roles));
    query!(connection, |c| select.get_result::<bool>(c))
}
