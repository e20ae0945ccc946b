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
    AccountLinking, AuditEvent, ClientInfo, EmailAddress, Session, SessionId, Timestamp, UpstreamProfile,
    User, UserId, UserIdScheme,
};

use crate::audit::{self, log_audit_event};
use crate::changes::Change;
use crate::db::Connection;
use crate::error::{Failure, StorageError};
use crate::rows::UserRow;
use crate::sessions::create_session;
use crate::storage::Storage;

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

/// How an existing user was found.
enum Found {
    ByIdentity(String),
    /// By an address that was verified on both sides.
    ByAddress(String, EmailAddress),
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
async fn decide(
    connection: &mut Connection,
    sign_in: &SignIn,
) -> Result<(SignInOutcome, Vec<AuditEvent>), Failure> {
    let found = find(connection, sign_in).await?;
    let joined = matches!(found, Some(Found::ByAddress(..)));
    let owner = found.as_ref().map(|(Found::ByIdentity(id) | Found::ByAddress(id, _))| id.clone());
    let outcome = match found {
        Some(found) => returning(connection, sign_in, found).await?,
        None => newcomer(connection, sign_in).await?,
    };
    let events = match &outcome {
        SignInOutcome::SignedIn { user, is_new, .. } => {
            events::of_success(sign_in, &user.id, *is_new, joined)
        }
        SignInOutcome::Disabled => events::of_refusal(sign_in, owner),
    };
    for event in &events {
        audit::insert(connection, event).await?;
    }
    Ok((outcome, events))
}

async fn find(connection: &mut Connection, sign_in: &SignIn) -> Result<Option<Found>, Failure> {
    if let Some(user) = identities::find_owner(connection, &sign_in.profile.identity).await? {
        return Ok(Some(Found::ByIdentity(user)));
    }
    match sign_in.linking {
        AccountLinking::Explicit => Ok(None),
        AccountLinking::VerifiedEmail => {
            let holder = claims::find_first_holder(connection, &sign_in.profile.verified_emails).await?;
            Ok(holder.map(|(user, address)| Found::ByAddress(user, address)))
        }
    }
}

/// Signs in a user that exists.
async fn returning(
    connection: &mut Connection,
    sign_in: &SignIn,
    found: Found,
) -> Result<SignInOutcome, Failure> {
    let profile = &sign_in.profile;
    let (Found::ByIdentity(id) | Found::ByAddress(id, _)) = &found;
    let user: User = match people::lock(connection, id).await? {
        people::Locked::Enabled(row) => UserRow::try_into(row)?,
        people::Locked::Disabled => return Ok(SignInOutcome::Disabled),
        people::Locked::Gone => return Err(Failure::LostRace),
    };
    let held = claims::list_held(connection, &user.id).await?;
    let chosen = claims::choose(&profile.verified_emails, &held, user.email.as_ref());
    match &found {
        Found::ByIdentity(_) => identities::refresh(connection, sign_in, &user.id, chosen).await?,
        Found::ByAddress(_, address) if held.contains(&address.key()) => {
            identities::create(connection, sign_in, &user.id, chosen).await?;
        }
        Found::ByAddress(..) => return Err(Failure::LostRace),
    }
    claims::release_unstated(connection, &user.id).await?;
    let email = match chosen {
        Some(address) => {
            claims::claim(connection, &user.id, address).await?;
            Some(address.clone())
        }
        None => claims::keep(connection, &user.id, user.email.clone()).await?,
    };
    let user = people::refresh(connection, profile, &user.id, email.as_ref()).await?;
    begin_session(connection, sign_in, user, false).await
}

/// Makes a user.
async fn newcomer(connection: &mut Connection, sign_in: &SignIn) -> Result<SignInOutcome, Failure> {
    let chosen = sign_in.profile.verified_emails.first();
    let user = people::create(connection, sign_in, chosen).await?;
    identities::create(connection, sign_in, &user.id, chosen).await?;
    if let Some(address) = chosen {
        let claimed = claims::claim(connection, &user.id, address).await?;
        if !claimed && sign_in.linking == AccountLinking::VerifiedEmail {
            return Err(Failure::LostRace);
        }
    }
    begin_session(connection, sign_in, user, true).await
}

async fn begin_session(
    connection: &mut Connection,
    sign_in: &SignIn,
    user: User,
    is_new: bool,
) -> Result<SignInOutcome, Failure> {
    let session = Session {
        id: sign_in.session_id.clone(),
        user_id: user.id.clone(),
        provider_id: sign_in.profile.provider_id(),
        created_at: sign_in.now,
        last_seen_at: sign_in.now,
        expires_at: sign_in.expires_at,
    };
    create_session(connection, &session, &sign_in.client).await?;
    Ok(SignInOutcome::SignedIn { user, session, is_new })
}
