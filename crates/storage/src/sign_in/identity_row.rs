//! Identities at providers, each of one user.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, EmailAddress, IdentityKey, Session, UserId};

use crate::audit::AuditRow;
use crate::db::{Connection, execute_together, query};
use crate::error::{OperationError, StorageError};
use crate::identities::linked::{write_claims, write_organizations};
use crate::schema::{audit_events, identities};
use crate::sessions::begin::session_to_begin;
use crate::sign_in::ConfirmedSignIn;
use crate::sign_in::request::EarlierEmail;

/// Both together must fit into one entry of PostgreSQL's index. OpenID Connect allows a subject 255 characters.
const MAX_ISSUER_LENGTH: usize = 1_024;
const MAX_SUBJECT_LENGTH: usize = 512;
const MAX_LOGIN_CHARS: usize = 256;

/// Refuses keys that one of the databases could not store, so that both refuse the same.
pub(super) fn check_key(key: &IdentityKey) -> Result<(), StorageError> {
    let fits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits(&key.issuer, MAX_ISSUER_LENGTH) && fits(&key.subject, MAX_SUBJECT_LENGTH) {
        Ok(())
    } else {
        Err(StorageError::UnusableIdentity)
    }
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = identities, treat_none_as_null = true)]
struct Statement {
    login: Option<String>,
    email: Option<String>,
    email_verified: bool,
    email_by_authority: bool,
    last_used_at: i64,
    provider: String,
    claims: String,
    organizations: String,
}

impl Statement {
    /// What the provider states now.
    fn new(confirmed: &ConfirmedSignIn) -> Self {
        let sign_in = &confirmed.sign_in;
        let clean =
            |login: &String| login.chars().filter(|c| !c.is_control()).take(MAX_LOGIN_CHARS).collect();
        let profile = &sign_in.profile;
        let verified = profile.verified_email.as_ref();
        let email = verified.or(profile.unverified_email.as_ref());
        Self {
            login: profile.login.as_ref().map(clean),
            email: email.map(|address| address.as_str().to_owned()),
            email_verified: verified.is_some(),
            email_by_authority: verified.is_some() && confirmed.email_by_authority,
            last_used_at: sign_in.now.micros(),
            provider: profile.provider.as_str().to_owned(),
            claims: write_claims(&profile.claims),
            organizations: write_organizations(&profile.organizations),
        }
    }
}

/// Writes what the provider states about an identity of the user, the session that begins with it, and the event of
/// that.
pub(super) async fn refresh_and_begin(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    session: &Session,
    event: &AuditEvent,
) -> Result<(), OperationError> {
    let sign_in = &confirmed.sign_in;
    let key = &sign_in.profile.identity;
    let update = diesel::update(identities::table.find((&key.issuer, &key.subject)))
        .filter(identities::user_id.eq(session.user_id.as_str()))
        .set(Statement::new(confirmed));
    let session = session_to_begin(session, &key.issuer, &sign_in.client);
    let tell = diesel::insert_into(audit_events::table).values(AuditRow::new(event));
    let (refreshed, begun, _) = execute_together!(connection, [update, session, tell])?;
    exactly_one(refreshed)?;
    exactly_one(begun)
}

/// Writes what the provider states about an identity of the user.
pub(super) async fn refresh(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: &UserId,
) -> Result<(), OperationError> {
    let key = &confirmed.sign_in.profile.identity;
    let update = diesel::update(identities::table.find((&key.issuer, &key.subject)))
        .filter(identities::user_id.eq(user.as_str()))
        .set(Statement::new(confirmed));
    exactly_one(query!(connection, |c| update.execute(c))?)
}

/// The address that the identity stated when it last signed in.
pub(super) async fn find_statement(
    connection: &mut Connection,
    key: &IdentityKey,
) -> Result<EarlierEmail, OperationError> {
    let select = identities::table.find((&key.issuer, &key.subject)).select((
        identities::email,
        identities::email_verified,
        identities::email_by_authority,
    ));
    let found = query!(connection, |c| select.load::<(Option<String>, bool, bool)>(c))?;
    let earlier = |(address, verified, by_authority): (Option<String>, bool, bool)| EarlierEmail {
        address: address.and_then(|text| EmailAddress::parse(&text).ok()),
        verified: verified && !by_authority,
    };
    Ok(found.into_iter().next().map_or_else(EarlierEmail::default, earlier))
}

/// Gives the user a new identity.
pub(super) async fn create(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: &UserId,
) -> Result<(), OperationError> {
    let sign_in = &confirmed.sign_in;
    let key = &sign_in.profile.identity;
    let insert = diesel::insert_into(identities::table)
        .values((
            identities::issuer.eq(&key.issuer),
            identities::subject.eq(&key.subject),
            identities::user_id.eq(user.as_str()),
            Statement::new(confirmed),
        ))
        .on_conflict_do_nothing();
    exactly_one(query!(connection, |c| insert.execute(c))?)
}

fn exactly_one(rows: usize) -> Result<(), OperationError> {
    if rows == 1 { Ok(()) } else { Err(OperationError::LostRace) }
}
