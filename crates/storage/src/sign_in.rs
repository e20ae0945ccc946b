//! A sign-in finds or makes its user: one transaction, and the rule by which it decides.
//!
//! INVARIANT: of two sign-ins that could decide differently, one waits for the other. Sign-ins of one user are ordered by
//! the lock on the user's row, taken before anything is decided; those of a new identity by the key of `identities`;
//! those with the same new address by the key of `verified_emails`. A sign-in that loses such a race runs again.

mod events;
mod identity_row;
pub(crate) mod request;
pub(crate) mod session;
mod user_row;

use std::sync::Arc;

use vestibule_domain::{
    AccountLinking, AuditEvent, AuditName, ConfiguredProviders, EmailAddress, EmailKnowledge, SessionId,
    SessionLimits, User, UserId,
};

use crate::audit::{self, log_audit_event};
use crate::changes::{Change, Record};
use crate::db::{Connection, operation};
use crate::error::{OperationError, StorageError};
use crate::identities::{email_ownership, refusal};
use crate::organizations::note_logins;
use crate::roles::administrator::is_administrator;
use crate::sessions::begin::begin_session;
use crate::storage::Storage;
use crate::users::lock::{lock_owner, lock_user};

pub use request::{BrowserCookies, SignIn, SignInOutcome};
use session::{BegunSession, begin_in_browser, session_of};

/// A sign-in, and what it is decided by.
struct ConfirmedSignIn {
    sign_in: SignIn,
    /// Whether its address is verified by nothing but the provider's authority over it.
    email_by_authority: bool,
    /// The providers whose identities and addresses are trusted.
    providers: Arc<ConfiguredProviders>,
    /// How long browser sessions live.
    limits: SessionLimits,
}

/// The user who is signing in. The row is locked.
enum Found {
    ByIdentity(User),
    /// By an address that was verified on both sides.
    ByAddress(User, EmailAddress),
    NewUser(EmailClaim),
}

/// Whether a new user must get its address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmailClaim {
    /// Yes: the address had no owner. If it has one now, a race was lost.
    Required,
    /// No: an owner keeps it.
    IfFree,
}

impl Storage {
    /// Finds or makes the user of a confirmed sign-in, refreshes what the provider states, and begins a session.
    ///
    /// 1. A known (issuer, subject) signs in its user, whatever its address.
    /// 2. An unknown one is linked, with [`AccountLinking::VerifiedEmail`], to the user who owns its verified address; otherwise
    ///    it becomes a new user. An unverified address decides nothing, nor does an address of a provider whose addresses are
    ///    not trusted, or of an identity that was unlinked. Users who have a role at the service itself are never linked.
    /// 3. A user owns the addresses that its identities stated when they last signed in. No user loses an address to another.
    pub async fn finish_sign_in(&self, sign_in: SignIn) -> Result<SignInOutcome, StorageError> {
        identity_row::check_key(&sign_in.profile.identity)?;
        let providers = Arc::clone(&self.providers);
        let (sign_in, email_by_authority) = sign_in.with_email_as_trusted(&providers);
        let limits = self.session_limits;
        let confirmed = ConfirmedSignIn { sign_in, email_by_authority, providers, limits };
        let transaction =
            operation!(finish_sign_in(confirmed), |connection| decide(connection, confirmed).await);
        let Decision { outcome, events, changed } = self.db.transaction(transaction).await?;
        events.iter().for_each(log_audit_event);
        for session in &changed {
            self.changes.publish(Change::Of(Record::session(session)));
        }
        if let SignInOutcome::SignedIn { user, is_new: false, .. } = &outcome {
            self.changes.publish(Change::Of(Record::user(&user.id)));
        }
        Ok(outcome)
    }
}

/// What a sign-in comes to.
struct Decision {
    outcome: SignInOutcome,
    /// For the audit trail.
    events: Vec<AuditEvent>,
    /// The sessions that are others than they were.
    changed: Vec<SessionId>,
}

impl From<SignInOutcome> for Decision {
    fn from(outcome: SignInOutcome) -> Self {
        Self { outcome, events: Vec::new(), changed: Vec::new() }
    }
}

async fn decide(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
) -> Result<Decision, OperationError> {
    let key = &confirmed.sign_in.profile.identity;
    let owner = lock_owner(connection, key).await?;
    let is_refused = match &owner {
        Some((_, is_refused)) => *is_refused,
        None => refusal::is_refused(connection, key).await?,
    };
    let owner = owner.map(|(owner, _)| owner);
    let knowledge = confirmed.sign_in.profile.email_knowledge;
    if knowledge == EmailKnowledge::Unknown && owner.is_none() {
        return Ok(SignInOutcome::EmailUnknown.into());
    }
    if !is_refused && knowledge == EmailKnowledge::Complete {
        return decide_by(connection, confirmed, owner).await;
    }
    let providers = Arc::clone(&confirmed.providers);
    let (mut sign_in, mut email_by_authority) = (confirmed.sign_in.clone(), confirmed.email_by_authority);
    let earlier = identity_row::find_statement(connection, key).await?;
    if sign_in.keeps_email(&earlier) {
        (sign_in, email_by_authority) = sign_in.with_earlier_email(earlier).with_email_as_trusted(&providers);
    }
    if is_refused {
        sign_in = sign_in.with_email_if(|_, _| false);
    }
    let limits = confirmed.limits;
    decide_by(connection, &ConfirmedSignIn { sign_in, email_by_authority, providers, limits }, owner).await
}

async fn decide_by(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    owner: Option<User>,
) -> Result<Decision, OperationError> {
    let found = match owner {
        Some(owner) => Found::ByIdentity(owner),
        None => find_by_address(connection, confirmed).await?,
    };
    match found {
        Found::ByIdentity(user) | Found::ByAddress(user, _) if user.disabled_at.is_some() => {
            let event = events::refusal(&confirmed.sign_in, &user.id);
            audit::insert(connection, &event).await?;
            Ok(Decision { events: vec![event], ..SignInOutcome::Disabled.into() })
        }
        Found::ByIdentity(user) => sign_in_owner(connection, confirmed, user).await,
        Found::ByAddress(user, address) => link_identity(connection, confirmed, user, &address).await,
        Found::NewUser(claim) => create_user(connection, confirmed, claim).await,
    }
}

async fn find_by_address(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
) -> Result<Found, OperationError> {
    let ConfirmedSignIn { sign_in, providers, .. } = confirmed;
    if sign_in.linking == AccountLinking::Explicit {
        return Ok(Found::NewUser(EmailClaim::IfFree));
    }
    let Some(address) = &sign_in.profile.verified_email else {
        return Ok(Found::NewUser(EmailClaim::Required));
    };
    let Some(owner) = email_ownership::find_owner(connection, address, providers).await? else {
        return Ok(Found::NewUser(EmailClaim::Required));
    };
    let owner = lock_user(connection, &owner).await?.ok_or(OperationError::LostRace)?;
    if is_administrator(connection, &owner.id).await? {
        return Ok(Found::NewUser(EmailClaim::IfFree));
    }
    Ok(Found::ByAddress(owner, address.clone()))
}

/// Signs in the user whose identity it is.
async fn sign_in_owner(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: User,
) -> Result<Decision, OperationError> {
    let ConfirmedSignIn { sign_in, providers, .. } = confirmed;
    let profile = &sign_in.profile;
    let owned = email_ownership::list_owned(connection, &user.id, providers).await?;
    let chosen = profile.verified_email.as_ref();
    let begun = sign_in_again(connection, confirmed, &user.id).await?;
    note_logins(connection, &profile.identity.issuer, &profile.organizations).await?;
    let email =
        email_ownership::update_ownership(connection, &owned, &profile.identity, &user, chosen, providers)
            .await?;
    let user = user_row::refresh(connection, profile, user, email).await?;
    Ok(begun.into_decision(user, false))
}

/// Writes what the provider states about an identity that is known, the session that begins with it or goes on, and the event of that.
async fn sign_in_again(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: &UserId,
) -> Result<BegunSession, OperationError> {
    let sign_in = &confirmed.sign_in;
    let Some(cookies) = &sign_in.browser else {
        let session = session_of(sign_in, user);
        let event = events::success(sign_in, &session, AuditName::SignInSucceeded);
        identity_row::refresh_and_begin(connection, confirmed, &session, &event).await?;
        return Ok(BegunSession { session, events: vec![event], changed: Vec::new() });
    };
    identity_row::refresh(connection, confirmed, user).await?;
    let begun = begin_in_browser(connection, sign_in, cookies, user, &confirmed.limits).await?;
    record_success(connection, sign_in, begun, &[AuditName::SignInSucceeded]).await
}

/// Links the identity to the user who owns its address, and signs them in.
async fn link_identity(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: User,
    address: &EmailAddress,
) -> Result<Decision, OperationError> {
    let ConfirmedSignIn { sign_in, providers, .. } = confirmed;
    let profile = &sign_in.profile;
    let owned = email_ownership::list_owned(connection, &user.id, providers).await?;
    if !owned.is_trusted(address) {
        return Err(OperationError::LostRace);
    }
    identity_row::create(connection, confirmed, &user.id).await?;
    let chosen = Some(address);
    let email =
        email_ownership::update_ownership(connection, &owned, &profile.identity, &user, chosen, providers)
            .await?;
    let user = user_row::refresh(connection, profile, user, email).await?;
    begin_first_session(connection, confirmed, user, AuditName::IdentityLinked).await
}

/// Creates a user for the identity, and signs them in.
async fn create_user(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    claim: EmailClaim,
) -> Result<Decision, OperationError> {
    let ConfirmedSignIn { sign_in, providers, .. } = confirmed;
    let chosen = sign_in.profile.verified_email.as_ref();
    let held = match chosen {
        Some(address) if claim == EmailClaim::IfFree => {
            let owner = email_ownership::find_owner(connection, address, providers).await?;
            if owner.is_none() { chosen } else { None }
        }
        _ => chosen,
    };
    let user = user_row::create(connection, sign_in, chosen, held).await?;
    identity_row::create(connection, confirmed, &user.id).await?;
    if let Some(address) = chosen {
        let claimed = email_ownership::claim(connection, &user.id, address, providers).await?;
        if !claimed && claim == EmailClaim::Required {
            return Err(OperationError::LostRace);
        }
    }
    begin_first_session(connection, confirmed, user, AuditName::UserCreated).await
}

/// Begins the session of a new user or a new identity, and records both.
async fn begin_first_session(
    connection: &mut Connection,
    confirmed: &ConfirmedSignIn,
    user: User,
    first: AuditName,
) -> Result<Decision, OperationError> {
    let ConfirmedSignIn { sign_in, limits, .. } = confirmed;
    let profile = &sign_in.profile;
    let begun = if let Some(cookies) = &sign_in.browser {
        begin_in_browser(connection, sign_in, cookies, &user.id, limits).await?
    } else {
        let session = session_of(sign_in, &user.id);
        begin_session(connection, &session, &profile.identity.issuer, &sign_in.client).await?;
        BegunSession { session, events: Vec::new(), changed: Vec::new() }
    };
    note_logins(connection, &profile.identity.issuer, &profile.organizations).await?;
    let begun = record_success(connection, sign_in, begun, &[first, AuditName::SignInSucceeded]).await?;
    Ok(begun.into_decision(user, first == AuditName::UserCreated))
}

/// Records what succeeded, before what it did to other sessions.
async fn record_success(
    connection: &mut Connection,
    sign_in: &SignIn,
    begun: BegunSession,
    names: &[AuditName],
) -> Result<BegunSession, OperationError> {
    let mut events: Vec<_> =
        names.iter().map(|name| events::success(sign_in, &begun.session, *name)).collect();
    for event in &events {
        audit::insert(connection, event).await?;
    }
    events.extend(begun.events);
    Ok(BegunSession { events, ..begun })
}
