//! The user's own row during a sign-in.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    Attributes, AvatarUrl, DisplayName, EmailAddress, IdentityKey, ServiceName, UpstreamProfile, User,
    UserId, UserIdScheme,
};

use super::SignIn;
use crate::db::{Connection, ConnectionRef, query};
use crate::error::{OperationError, StorageError, optional};
use crate::rows::{UserRow, write_attributes};
use crate::schema::{identities, identity_refusals, role_assignments, users};

/// Reads a row of `users` and keeps every other sign-in of the same user waiting until this transaction ends. In SQLite
/// the transaction has the only lock there is since its start.
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

/// Finds and locks the user whose identity this is, and tells whether the identity is refused by somebody.
pub(super) async fn lock_owner(
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
pub(crate) async fn lock(connection: &mut Connection, user: &str) -> Result<Option<User>, OperationError> {
    let found: Option<(UserRow,)> = lock!(connection, users::table.filter(users::id.eq(user)),);
    Ok(found.map(|(row,)| User::try_from(row)).transpose()?)
}

/// Whether an identity was taken away from a user, so that no address of it counts.
pub(super) async fn is_refused(
    connection: &mut Connection,
    key: &IdentityKey,
) -> Result<bool, OperationError> {
    let select = diesel::select(exists(refusals_of(key)));
    query!(connection, |c| select.get_result::<bool>(c))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn refusals_of<'a>(key: &'a IdentityKey) -> _ {
    let (issuer, subject): (&'a str, &'a str) = (key.issuer.as_str(), key.subject.as_str());
    identity_refusals::table
        .filter(identity_refusals::issuer.eq(issuer))
        .filter(identity_refusals::subject.eq(subject))
}

/// Whether a user has a role at the service itself.
pub(super) async fn is_administrator(
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

/// Writes the provider's name and picture, where it has them, and the address, if any of it is new. The username is the
/// person's own.
pub(super) async fn refresh(
    connection: &mut Connection,
    profile: &UpstreamProfile,
    user: User,
    email: Option<EmailAddress>,
) -> Result<User, OperationError> {
    let refreshed = User {
        name: profile.name.clone().or_else(|| user.name.clone()),
        avatar_url: profile.avatar_url.clone().or_else(|| user.avatar_url.clone()),
        email,
        ..user.clone()
    };
    if refreshed == user {
        return Ok(user);
    }
    let update = diesel::update(users::table.find(user.id.as_str())).set((
        users::name.eq(refreshed.name.as_ref().map(DisplayName::as_str)),
        users::avatar_url.eq(refreshed.avatar_url.as_ref().map(AvatarUrl::as_str)),
        users::email.eq(refreshed.email.as_ref().map(EmailAddress::as_str)),
    ));
    query!(connection, |c| update.execute(c))?;
    Ok(refreshed)
}

/// Writes a new user. `held` is the address among those that the user will hold: no other makes an id, which services keep
/// for whoever holds it.
pub(super) async fn create(
    connection: &mut Connection,
    sign_in: &SignIn,
    email: Option<&EmailAddress>,
    held: Option<&EmailAddress>,
) -> Result<User, OperationError> {
    if let (UserIdScheme::EmailMd5, Some(held)) = (sign_in.id_scheme, held) {
        let user = new_user(sign_in, UserId::from_email_md5(held), email);
        if insert(connection, &user).await? {
            return Ok(user);
        }
    }
    let user = new_user(sign_in, sign_in.new_user_id.clone(), email);
    if insert(connection, &user).await? { Ok(user) } else { Err(OperationError::LostRace) }
}

fn new_user(sign_in: &SignIn, id: UserId, email: Option<&EmailAddress>) -> User {
    User {
        id,
        username: None,
        name: sign_in.profile.name.clone(),
        email: email.cloned(),
        avatar_url: sign_in.profile.avatar_url.clone(),
        attributes: Attributes::default(),
        join_date: sign_in.now,
        disabled_at: None,
    }
}

/// For programs of the version before: a new user has no token to revoke.
const NOTHING_REVOKED: i64 = 0;

/// False when the id is taken.
async fn insert(connection: &mut Connection, user: &User) -> Result<bool, OperationError> {
    let insert = diesel::insert_into(users::table)
        .values((
            users::id.eq(user.id.as_str()),
            users::name.eq(user.name.as_ref().map(DisplayName::as_str)),
            users::email.eq(user.email.as_ref().map(EmailAddress::as_str)),
            users::avatar_url.eq(user.avatar_url.as_ref().map(AvatarUrl::as_str)),
            users::attributes.eq(write_attributes(&user.attributes)),
            users::join_date.eq(user.join_date.micros()),
            users::tokens_valid_after.eq(NOTHING_REVOKED),
        ))
        .on_conflict_do_nothing();
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}
