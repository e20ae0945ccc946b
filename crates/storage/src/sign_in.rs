//! A sign-in finds or makes its user: one transaction, and the rule by which it decides.
//!
//! INVARIANT: of two sign-ins that could decide differently, one waits for the other. Those of one user are ordered by
//! the lock on the user's row, taken before anything is decided; those of a new identity by the key of `identities`;
//! those that bring one new address by the key of `verified_emails`. Whoever finds that the ground has moved begins anew.

mod claims;
mod events;
mod identities;
mod people;

use vestibule_domain::{
    AccountLinking, AuditEvent, AuditName, ClientInfo, EmailAddress, Session, SessionId, Timestamp,
    UpstreamProfile, User, UserId, UserIdScheme,
};

use crate::audit::{self, log_audit_event};
use crate::changes::Change;
use crate::db::Connection;
use crate::error::{Failure, StorageError};
use crate::sessions::begin_session;
use crate::storage::Storage;

pub(crate) use people::lock as lock_user;

/// A sign-in that a provider has confirmed.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// What the provider states.
    pub profile: UpstreamProfile,
    /// Where the sign-in came from.
    pub client: ClientInfo,
    /// What an unknown identity with a known address means.
    pub linking: AccountLinking,
    /// How a new user's id is made.
    pub id_scheme: UserIdScheme,
    /// A random id, for the case that one is needed.
    pub new_user_id: UserId,
    /// The new session's id.
    pub session_id: SessionId,
    /// When the sign-in is.
    pub now: Timestamp,
    /// When the new session ends.
    pub expires_at: Timestamp,
}

/// What a sign-in came to.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once per sign-in and taken apart at once")]
pub enum SignInOutcome {
    /// Signed in.
    SignedIn {
        /// The user, as it is after the sign-in.
        user: User,
        /// The new session.
        session: Session,
        /// Whether this sign-in made the user. True once for each user.
        is_new: bool,
    },
    /// The user is disabled. Nothing was written.
    Disabled,
}

/// How an existing user was found, who is locked from then on.
enum Found {
    ByIdentity(User),
    /// By an address that was verified on both sides.
    ByAddress(User, EmailAddress),
}

impl Storage {
    /// Finds or makes the user of a confirmed sign-in, refreshes what the provider states, and begins a session.
    ///
    /// 1. A known (issuer, subject) is its user, whatever address it brings.
    /// 2. An unknown one joins, with [`AccountLinking::VerifiedEmail`], the user who holds the first of its verified
    ///    addresses that anybody holds; else it becomes a new user. An unverified address decides nothing.
    /// 3. A user holds the addresses that its identities stated when they last signed in; nobody's address is taken away.
    pub async fn finish_sign_in(&self, sign_in: SignIn) -> Result<SignInOutcome, StorageError> {
        identities::check_key(&sign_in.profile.identity)?;
        let decided =
            self.db.transaction(sign_in, |connection, sign_in| Box::pin(decide(connection, sign_in)));
        let (outcome, events) = decided.await?;
        events.iter().for_each(log_audit_event);
        if let SignInOutcome::SignedIn { user, is_new: false, .. } = &outcome {
            self.changes.tell(&Change::User(user.id.clone()));
        }
        Ok(outcome)
    }
}

/// The outcome, and what the audit trail tells of it.
type Decision = (SignInOutcome, Vec<AuditEvent>);

async fn decide(connection: &mut Connection, sign_in: &SignIn) -> Result<Decision, Failure> {
    match find(connection, sign_in).await? {
        Some(Found::ByIdentity(user) | Found::ByAddress(user, _)) if user.disabled_at.is_some() => {
            let event = events::of_refusal(sign_in, &user.id);
            audit::insert(connection, &event).await?;
            Ok((SignInOutcome::Disabled, vec![event]))
        }
        Some(Found::ByIdentity(user)) => returning(connection, sign_in, user).await,
        Some(Found::ByAddress(user, address)) => joining(connection, sign_in, user, &address).await,
        None => newcomer(connection, sign_in).await,
    }
}

async fn find(connection: &mut Connection, sign_in: &SignIn) -> Result<Option<Found>, Failure> {
    if let Some(user) = people::lock_owner(connection, &sign_in.profile.identity).await? {
        return Ok(Some(Found::ByIdentity(user)));
    }
    if sign_in.linking == AccountLinking::Explicit {
        return Ok(None);
    }
    match claims::find_first_holder(connection, &sign_in.profile.verified_emails).await? {
        Some((holder, address)) => {
            let user = people::lock(connection, &holder).await?.ok_or(Failure::LostRace)?;
            Ok(Some(Found::ByAddress(user, address)))
        }
        None => Ok(None),
    }
}

/// Signs in the user whose identity it is.
async fn returning(connection: &mut Connection, sign_in: &SignIn, user: User) -> Result<Decision, Failure> {
    let profile = &sign_in.profile;
    let held = claims::list_held(connection, &user.id).await?;
    let chosen = claims::choose(&profile.verified_emails, &held, user.email.as_ref());
    let session = session_of(sign_in, &user.id);
    let event = events::of_arrival(sign_in, &user.id, AuditName::SignInSucceeded);
    identities::refresh_and_begin(connection, sign_in, &session, &event, chosen).await?;
    let email = claims::settle(connection, &held, &profile.identity, &user, chosen).await?;
    let user = people::refresh(connection, profile, user, email).await?;
    Ok((SignInOutcome::SignedIn { user, session, is_new: false }, vec![event]))
}

/// Gives the identity to the user who holds its address, and signs them in.
async fn joining(
    connection: &mut Connection,
    sign_in: &SignIn,
    user: User,
    address: &EmailAddress,
) -> Result<Decision, Failure> {
    let profile = &sign_in.profile;
    let held = claims::list_held(connection, &user.id).await?;
    if !held.contains(address) {
        return Err(Failure::LostRace);
    }
    let chosen = claims::choose(&profile.verified_emails, &held, user.email.as_ref());
    identities::create(connection, sign_in, &user.id, chosen).await?;
    let email = claims::settle(connection, &held, &profile.identity, &user, chosen).await?;
    let user = people::refresh(connection, profile, user, email).await?;
    arrive(connection, sign_in, user, AuditName::IdentityLinked).await
}

/// Makes a user.
async fn newcomer(connection: &mut Connection, sign_in: &SignIn) -> Result<Decision, Failure> {
    let chosen = sign_in.profile.verified_emails.first();
    let user = people::create(connection, sign_in, chosen).await?;
    identities::create(connection, sign_in, &user.id, chosen).await?;
    if let Some(address) = chosen {
        let claimed = claims::claim(connection, &user.id, address).await?;
        if !claimed && sign_in.linking == AccountLinking::VerifiedEmail {
            return Err(Failure::LostRace);
        }
    }
    arrive(connection, sign_in, user, AuditName::UserCreated).await
}

/// Begins the session of somebody who has arrived in a way that is told of as well.
async fn arrive(
    connection: &mut Connection,
    sign_in: &SignIn,
    user: User,
    arrival: AuditName,
) -> Result<Decision, Failure> {
    let session = session_of(sign_in, &user.id);
    begin_session(connection, &session, &sign_in.client).await?;
    let events =
        [arrival, AuditName::SignInSucceeded].map(|name| events::of_arrival(sign_in, &user.id, name));
    for event in &events {
        audit::insert(connection, event).await?;
    }
    let is_new = arrival == AuditName::UserCreated;
    Ok((SignInOutcome::SignedIn { user, session, is_new }, events.into()))
}

fn session_of(sign_in: &SignIn, user: &UserId) -> Session {
    Session {
        id: sign_in.session_id.clone(),
        user_id: user.clone(),
        provider_id: sign_in.profile.provider_id(),
        created_at: sign_in.now,
        last_seen_at: sign_in.now,
        expires_at: sign_in.expires_at,
    }
}
