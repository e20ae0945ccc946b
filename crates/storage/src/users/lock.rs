//! Locking a user's row, by which all writes that decide something about one user are ordered.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{IdentityKey, User};

use crate::db::{Connection, ConnectionRef};
use crate::error::{OperationError, StorageError, optional};
use crate::identities::refusal::refusals_of;
use crate::schema::{identities, users};
use crate::users::row::UserRow;

/// Reads a row of `users` and locks it until this transaction ends, so that other sign-ins of the user wait. In SQLite a
/// transaction holds the only write lock from its start.
macro_rules! lock {
    ($connection:expr, $users:expr, $($column:expr)?) => {{
        let row = match $connection.inner() {
            ConnectionRef::Sqlite(c) => $users.select((UserRow::as_select(), $($column)?)).get_result(c).await,
            ConnectionRef::Postgres(c) => {
                $users.select((UserRow::as_select(), $($column)?)).for_no_key_update().get_result(c).await
            }
            ConnectionRef::Closed => Err(diesel::result::Error::BrokenTransactionManager),
        };
        optional(row.map_err(OperationError::from))?
    }};
}

/// Finds and locks the user whose identity this is, and returns whether any user has refused the identity.
pub(crate) async fn lock_owner(
    connection: &mut Connection,
    key: &IdentityKey,
) -> Result<Option<(User, bool)>, OperationError> {
    let owner = identities::table.find((&key.issuer, &key.subject)).select(identities::user_id);
    let found: Option<(UserRow, bool)> = lock!(
        connection,
        users::table.filter(users::id.nullable().eq(owner.single_value())),
        exists(refusals_of(key))
    );
    Ok(found
        .map(|(row, is_refused)| Ok::<_, StorageError>((User::try_from(row)?, is_refused)))
        .transpose()?)
}

/// Finds and locks a user.
pub(crate) async fn lock_user(
    connection: &mut Connection,
    user: &str,
) -> Result<Option<User>, OperationError> {
    let found: Option<(UserRow,)> = lock!(connection, users::table.filter(users::id.eq(user)),);
    Ok(found.map(|(row,)| User::try_from(row)).transpose()?)
}
