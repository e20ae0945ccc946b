//! Whether a user is disabled.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{Timestamp, UserId, UserKind};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::users;
use crate::sessions::generation::{new_generation, new_token_generation};

/// Disables a user. All sessions and tokens of a person end; the tokens of a role account wait. False when there is no such user, or it
/// was disabled before.
pub(crate) async fn disable(
    connection: &mut Connection,
    user: &UserId,
    now: Timestamp,
) -> Result<bool, OperationError> {
    let update = diesel::update(users::table.find(user.as_str()))
        .filter(users::disabled_at.is_null())
        .set((users::disabled_at.eq(now.micros()), new_generation!(now)));
    let is_disabled = query!(connection, |c| update.execute(c))? == 1;
    if is_disabled {
        let person = users::table.find(user.as_str()).filter(users::kind.eq(UserKind::Person.as_str()));
        let end_tokens = diesel::update(person).set(new_token_generation!());
        query!(connection, |c| end_tokens.execute(c))?;
    }
    Ok(is_disabled)
}

/// Enables a user. False when there is no such user, or it was not disabled.
pub(crate) async fn enable(connection: &mut Connection, user: &UserId) -> Result<bool, OperationError> {
    let update = diesel::update(users::table.find(user.as_str()))
        .filter(users::disabled_at.is_not_null())
        .set(users::disabled_at.eq(None::<i64>));
    Ok(query!(connection, |c| update.execute(c))? == 1)
}
