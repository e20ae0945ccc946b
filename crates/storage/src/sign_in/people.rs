//! The user's own row during a sign-in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    Attributes, AvatarUrl, DisplayName, EmailAddress, UpstreamProfile, User, UserId, UserIdScheme,
};

use super::SignIn;
use crate::db::{Connection, query};
use crate::error::{Failure, optional};
use crate::rows::{UserRow, write_attributes};
use crate::schema::users;

pub(super) enum Locked {
    Enabled(UserRow),
    Disabled,
    Gone,
}

/// Reads a user and keeps every other sign-in of the same user waiting until this transaction ends. The lock is an
/// update that changes nothing, the one form that both databases know.
pub(super) async fn lock(connection: &mut Connection, user: &str) -> Result<Locked, Failure> {
    let update = diesel::update(users::table.find(user))
        .filter(users::disabled_at.is_null())
        .set(users::disabled_at.eq(None::<i64>));
    let row = query!(connection, |c| update.returning(UserRow::as_returning()).get_result::<UserRow>(c));
    if let Some(row) = optional(row)? {
        return Ok(Locked::Enabled(row));
    }
    let select = users::table.find(user).select(users::disabled_at);
    match optional(query!(connection, |c| select.first::<Option<i64>>(c)))? {
        Some(Some(_)) => Ok(Locked::Disabled),
        Some(None) | None => Ok(Locked::Gone),
    }
}

/// Writes the provider's name and picture, where it has them, and the address. The username is the person's own.
pub(super) async fn refresh(
    connection: &mut Connection,
    profile: &UpstreamProfile,
    user: &UserId,
    email: Option<&EmailAddress>,
) -> Result<User, Failure> {
    let name = profile.name.as_ref().map(|name| users::name.eq(name.as_str()));
    let avatar_url = profile.avatar_url.as_ref().map(|url| users::avatar_url.eq(url.as_str()));
    let email = users::email.eq(email.map(EmailAddress::as_str));
    let update = diesel::update(users::table.find(user.as_str())).set((name, avatar_url, email));
    let row = query!(connection, |c| update.returning(UserRow::as_returning()).get_result::<UserRow>(c))?;
    Ok(row.try_into()?)
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

/// A new user has no token to revoke. Were it the join date, a sign-in that waited for this one to make the user, or that
/// another replica's slower clock dates earlier, would begin with a dead session.
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
