//! Identities that were taken away from a user: while there is a refusal, no address of the identity counts.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{IdentityKey, Timestamp, UserId};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::identity_refusals;

/// Refuses an identity that was taken away from this user.
pub(crate) async fn refuse(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<(), OperationError> {
    let insert = diesel::insert_into(identity_refusals::table)
        .values((
            identity_refusals::issuer.eq(&identity.issuer),
            identity_refusals::subject.eq(&identity.subject),
            identity_refusals::user_id.eq(user.as_str()),
            identity_refusals::at.eq(now.micros()),
        ))
        .on_conflict_do_nothing();
    query!(connection, |c| insert.execute(c)).map(drop)
}

/// Whether an identity was taken away from a user, so that no address of it counts.
pub(crate) async fn is_refused(
    connection: &mut Connection,
    key: &IdentityKey,
) -> Result<bool, OperationError> {
    let select = diesel::select(exists(refusals_of(key)));
    query!(connection, |c| select.get_result::<bool>(c))
}

/// The refusals of an identity, by whichever users.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn refusals_of<'a>(key: &'a IdentityKey) -> _ {
    let (issuer, subject): (&'a str, &'a str) = (key.issuer.as_str(), key.subject.as_str());
    identity_refusals::table
        .filter(identity_refusals::issuer.eq(issuer))
        .filter(identity_refusals::subject.eq(subject))
}
