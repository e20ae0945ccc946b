//! The user's own row during a sign-in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    Attributes, AvatarUrl, DisplayName, EmailAddress, UpstreamProfile, User, UserId, UserIdScheme, UserKind,
};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::users;
use crate::sign_in::request::SignIn;
use crate::users::row::write_attributes;

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

/// Writes a new user. `held` is the address that the user will own, if any. Only an owned address makes an id, since services
/// identify its owner by that id.
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
        kind: UserKind::Person,
        username: None,
        name: sign_in.profile.name.clone(),
        email: email.cloned(),
        avatar_url: sign_in.profile.avatar_url.clone(),
        attributes: Attributes::default(),
        join_date: sign_in.now,
        disabled_at: None,
    }
}

/// For the previous version of the program: a new user has no token to revoke.
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
