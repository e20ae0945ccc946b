//! Who a request acts for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vestibule_domain::{
    CredentialKind, LentLimits, Scope, ServiceName, Session, SessionId, Timestamp, User, UserKind,
    lent_permissions,
};
use vestibule_plugin_host::ContextMemo;

use super::InvalidCredential;
use super::cache::CachedSession;
use super::lent_token::{KnownToken, LiveToken};
use crate::FlowError;

/// Who a request acts for, and with what credential. Holding one is the proof: only this module's parents make it. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Principal {
    credential: CredentialKind,
    holder: Holder,
    /// The app that the credential is bound to.
    app: Option<ServiceName>,
}

/// What a credential is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// It stands for the whole person.
    Full,
    /// It lends a part of what its owner may do.
    Lent(LentLimits),
}

/// Who it is.
#[derive(Debug, Clone)]
enum Holder {
    /// Someone with a sign-in session.
    Session(Arc<CachedSession>),
    /// Someone without, whom a handler has named.
    Lent(Arc<LentHolder>),
    /// The user of a token.
    Token(Arc<KnownToken>),
}

/// Whom a credential stands for that no session is behind.
#[derive(Debug)]
pub(super) struct LentHolder {
    pub(super) user: User,
    /// What the credential lends.
    pub(super) rights: Rights,
    /// The identity that a person of ours used last.
    pub(super) provider_id: Option<String>,
    /// Whether the service has no row of it.
    pub(super) is_foreign: bool,
    /// What is kept with the credential, for apps.
    pub(super) metadata: Map<String, Value>,
}

impl Principal {
    /// Someone who came with what such a session is behind.
    pub(super) fn with_session(credential: CredentialKind, session: Arc<CachedSession>) -> Self {
        Self { credential, holder: Holder::Session(session), app: None }
    }

    /// Someone whose session the backend of this app reaches.
    pub(super) fn with_session_handle(session: Arc<CachedSession>, app: ServiceName) -> Self {
        Self { credential: CredentialKind::SessionHandle, holder: Holder::Session(session), app: Some(app) }
    }

    /// The same one, with the session as it stands now.
    pub(super) fn renewed(self, session: Arc<CachedSession>) -> Self {
        Self { holder: Holder::Session(session), ..self }
    }

    /// Whom a token handler has named.
    pub(super) fn with_handler_token(holder: Arc<LentHolder>) -> Self {
        Self { credential: CredentialKind::HandlerToken, holder: Holder::Lent(holder), app: None }
    }

    /// The user of a token, with what the token lends.
    pub(super) fn with_token(known: Arc<KnownToken>) -> Self {
        Self { credential: known.live.kind(), holder: Holder::Token(known), app: None }
    }

    /// The user that the principal is, or belongs to.
    pub fn user(&self) -> &User {
        match &self.holder {
            Holder::Session(session) => &session.live.user,
            Holder::Lent(holder) => &holder.user,
            Holder::Token(known) => known.live.user(),
        }
    }

    /// The kind of the credential.
    pub fn credential(&self) -> CredentialKind {
        self.credential
    }

    /// The app that the credential is bound to, if it is to one.
    pub(crate) fn app(&self) -> Option<&ServiceName> {
        self.app.as_ref()
    }

    /// What the credential is good for.
    pub fn rights(&self) -> &Rights {
        match &self.holder {
            Holder::Session(_) => &Rights::Full,
            Holder::Lent(holder) => &holder.rights,
            Holder::Token(known) => &known.rights,
        }
    }

    /// The id of the credential, by which logs and plugins know it; `None` for one without.
    pub fn credential_id(&self) -> Option<&str> {
        self.known_token().map(|known| known.live.id())
    }

    /// What was found of the token that the credential is, if it is one that people lend.
    pub(crate) fn lent_token(&self) -> Option<&LiveToken> {
        self.known_token().map(|known| &known.live)
    }

    /// The proof that a whole person acts; an error for every credential that is lent.
    pub fn require_full_person(&self) -> Result<FullPerson, FlowError> {
        self.as_full_person().ok_or(FlowError::WrongCredential)
    }

    /// The proof that a person acts in their own browser, and has shown a moment ago who they are.
    pub fn require_fresh_acting(&self, now: Timestamp, most: Duration) -> Result<FreshActing, FlowError> {
        let acting = self.as_acting().ok_or(FlowError::WrongCredential)?;
        match self.fresh_since(now, most) {
            Some(_) => Ok(FreshActing(acting)),
            None => Err(FlowError::Unauthenticated(Some(InvalidCredential::SessionNotFresh))),
        }
    }

    /// When the credential ends by itself, if it is not behind a session.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.known_token()?.live.ends_at()
    }

    pub(super) fn known_token(&self) -> Option<&Arc<KnownToken>> {
        match &self.holder {
            Holder::Session(_) | Holder::Lent(_) => None,
            Holder::Token(known) => Some(known),
        }
    }

    /// In whose place plugins' answers are kept: of a session, or of a credential that no session is behind.
    pub(crate) fn asker(&self) -> Option<&SessionId> {
        self.session().map(|session| &session.id).or_else(|| self.known_token()?.asker.as_ref())
    }

    /// Whether whoever holds the credential is told who it is.
    pub fn tells_profile(&self) -> bool {
        match self.rights() {
            Rights::Full => true,
            Rights::Lent(limits) => {
                [Scope::PROFILE, Scope::OPENID].iter().any(|word| limits.scopes.contains(word))
            }
        }
    }

    /// Whether it is a role account: a program, not a person.
    pub fn is_role_account(&self) -> bool {
        self.user().kind == UserKind::Role
    }

    /// Whether a token handler alone knows it: the service has no row of it.
    pub fn is_foreign(&self) -> bool {
        matches!(&self.holder, Holder::Lent(holder) if holder.is_foreign)
    }

    /// What is kept with the credential, for apps.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        match &self.holder {
            Holder::Session(_) => None,
            Holder::Lent(holder) => Some(&holder.metadata),
            Holder::Token(known) => known.live.metadata(),
        }
    }

    /// Whether whoever holds the credential is told the address.
    pub fn tells_email(&self) -> bool {
        match self.rights() {
            Rights::Full => true,
            Rights::Lent(limits) => limits.scopes.contains(Scope::EMAIL),
        }
    }

    /// Whether roles count with the credential.
    pub(crate) fn lends_roles(&self) -> bool {
        match self.rights() {
            Rights::Full => true,
            Rights::Lent(limits) => limits.scopes.contains(Scope::PERMISSIONS),
        }
    }

    /// Whether the credential may be used at a service.
    pub(crate) fn fits(&self, service: &str) -> bool {
        match self.rights() {
            Rights::Full => true,
            Rights::Lent(limits) => limits.services.fits(service),
        }
    }

    /// The part of a plugin's answer that the credential lends.
    pub(crate) fn lent(&self, permissions: Map<String, Value>) -> Map<String, Value> {
        match self.rights() {
            Rights::Full => permissions,
            Rights::Lent(limits) => lent_permissions(permissions, &limits.scopes),
        }
    }

    /// The sign-in session that the credential belongs to; `None` for one that outlives sessions.
    pub fn session(&self) -> Option<&Session> {
        self.cached_session().map(|session| &session.live.session)
    }

    pub(super) fn cached_session(&self) -> Option<&Arc<CachedSession>> {
        match &self.holder {
            Holder::Session(session) => Some(session),
            Holder::Lent(_) | Holder::Token(_) => None,
        }
    }

    /// When the session was last used, to within some minutes; `None` without one.
    pub fn last_seen_at(&self) -> Option<Timestamp> {
        self.cached_session().map(|session| session.last_seen_at())
    }

    /// The identity that the user came with.
    pub fn provider_id(&self) -> Option<&str> {
        match &self.holder {
            Holder::Session(session) => Some(&session.live.session.provider_id),
            Holder::Lent(holder) => holder.provider_id.as_deref(),
            Holder::Token(known) => known.live.provider_id(),
        }
    }

    /// When the person last showed who they are; `None` where no person did.
    pub fn auth_time(&self) -> Option<Timestamp> {
        match &self.holder {
            Holder::Session(session) => Some(session.live.session.auth_time),
            Holder::Lent(_) => None,
            Holder::Token(known) => known.live.auth_time(),
        }
    }

    /// The proof that a whole person acts, with a credential that is limited by nothing; `None` for every other credential.
    pub fn as_full_person(&self) -> Option<FullPerson> {
        match (self.credential, &self.holder) {
            (CredentialKind::BrowserCookie | CredentialKind::UserToken, Holder::Session(session)) => {
                Some(FullPerson(Arc::clone(session)))
            }
            (
                CredentialKind::BrowserCookie
                | CredentialKind::UserToken
                | CredentialKind::SessionHandle
                | CredentialKind::PersonalToken
                | CredentialKind::RoleToken
                | CredentialKind::AccessToken
                | CredentialKind::HandlerToken,
                Holder::Session(_) | Holder::Lent(_) | Holder::Token(_),
            ) => None,
        }
    }

    /// The proof that a person acts in their own browser, for what a credential that travels in addresses may not do; `None` for every
    /// credential but the browser's cookie.
    pub fn as_acting(&self) -> Option<Acting> {
        match self.credential {
            CredentialKind::BrowserCookie => self.as_full_person().map(Acting),
            CredentialKind::UserToken
            | CredentialKind::SessionHandle
            | CredentialKind::PersonalToken
            | CredentialKind::RoleToken
            | CredentialKind::AccessToken
            | CredentialKind::HandlerToken => None,
        }
    }

    /// When the person last showed who they are, if that is no longer ago than `most`; otherwise `None`. What has no session is never fresh.
    pub fn fresh_since(&self, now: Timestamp, most: Duration) -> Option<Timestamp> {
        self.auth_time().filter(|at| now.since(*at) <= most)
    }

    /// The user as plugins read it, where that is kept between requests.
    pub(crate) fn context_memo(&self) -> Option<&ContextMemo> {
        match &self.holder {
            Holder::Session(session) => Some(&session.context_memo),
            Holder::Lent(_) => None,
            Holder::Token(known) => Some(&known.context_memo),
        }
    }
}

/// A person who acts in their own browser. Made by [`Principal::as_acting`] alone.
#[derive(Debug, Clone)]
pub struct Acting(FullPerson);

impl Acting {
    /// The person.
    pub fn person(&self) -> &FullPerson {
        &self.0
    }
}

/// A person who acts in their own browser, and has shown a moment ago who they are. Made by [`Principal::require_fresh_acting`] alone.
#[derive(Debug, Clone)]
pub struct FreshActing(Acting);

impl FreshActing {
    /// The person.
    pub fn person(&self) -> &FullPerson {
        self.0.person()
    }
}

/// A person who is signed in, with a credential that stands for all of them. Made by [`Principal::as_full_person`] alone.
#[derive(Debug, Clone)]
pub struct FullPerson(Arc<CachedSession>);

impl FullPerson {
    /// The person.
    pub fn user(&self) -> &User {
        &self.0.live.user
    }

    /// Their sign-in session.
    pub fn session(&self) -> &Session {
        &self.0.live.session
    }
}
