//! Roles at the service itself.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ServiceName, UserId};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::role_assignments;

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
