//! The user's own row during a sign-in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    Attributes, AvatarUrl, DisplayName, EmailAddress, IdentityKey, UpstreamProfile, User, UserId,
    UserIdScheme,
};

use super::SignIn;
use crate::db::{Connection, Lent, query};
use crate::error::{Failure, optional};
use crate::rows::{UserRow, write_attributes};
use crate::schema::{identities, users};

/// Reads a row of `users` and keeps every other sign-in of the same user waiting until this transaction ends. In SQLite
/// the transaction has the only lock there is since its start.
macro_rules! lock {
    ($connection:expr, $select:expr) => {{
        let row = match $connection.lent() {
            Lent::Sqlite(c) => $select.select(UserRow::as_select()).get_result::<UserRow>(c).await,
            Lent::Postgres(c) => {
                $select.select(UserRow::as_select()).for_no_key_update().get_result::<UserRow>(c).await
            }
            Lent::Closed => Err(diesel::result::Error::BrokenTransactionManager),
        };
        optional(row.map_err(Failure::from))?.map(User::try_from).transpose().map_err(Failure::from)
    }};
}

/// Finds and locks the user whose identity this is.
pub(super) async fn lock_owner(
    connection: &mut Connection,
    key: &IdentityKey,
) -> Result<Option<User>, Failure> {
    let owner = identities::table.find((&key.issuer, &key.subject)).select(identities::user_id);
    lock!(connection, users::table.filter(users::id.nullable().eq(owner.single_value())))
}

/// Finds and locks a user.
pub(crate) async fn lock(connection: &mut Connection, user: &str) -> Result<Option<User>, Failure> {
    lock!(connection, users::table.filter(users::id.eq(user)))
}

/// Writes the provider's name and picture, where it has them, and the address, if any of it is new. The username is the
/// person's own.
pub(super) async fn refresh(
    connection: &mut Connection,
    profile: &UpstreamProfile,
    user: User,
    email: Option<EmailAddress>,
) -> Result<User, Failure> {
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

/// Writes a new user.
pub(super) async fn create(
    connection: &mut Connection,
    sign_in: &SignIn,
    email: Option<&EmailAddress>,
) -> Result<User, Failure> {
    if let (UserIdScheme::EmailMd5, Some(email)) = (sign_in.id_scheme, email) {
        let user = new_user(sign_in, UserId::from_email_md5(email), Some(email));
        if insert(connection, &user).await? {
            return Ok(user);
        }
    }
    let user = new_user(sign_in, sign_in.new_user_id.clone(), email);
    if insert(connection, &user).await? { Ok(user) } else { Err(Failure::LostRace) }
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
async fn insert(connection: &mut Connection, user: &User) -> Result<bool, Failure> {
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
