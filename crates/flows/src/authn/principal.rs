//! Who a request acts for.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{CredentialKind, Session, Timestamp, User};
use vestibule_plugin_host::ContextMemo;

use super::cache::CachedSession;

/// Who a request acts for, and with what credential. Holding one is the proof: only this module's parents make it. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Principal {
    credential: CredentialKind,
    pub(super) session: Arc<CachedSession>,
}

impl Principal {
    /// Someone who came with what such a session is behind.
    pub(super) fn with_session(credential: CredentialKind, session: Arc<CachedSession>) -> Self {
        Self { credential, session }
    }

    /// The user that the principal is, or belongs to.
    pub fn user(&self) -> &User {
        &self.session.live.user
    }

    /// The kind of the credential.
    pub fn credential(&self) -> CredentialKind {
        self.credential
    }

    /// The sign-in session that the credential belongs to; `None` for one that outlives sessions.
    pub fn session(&self) -> Option<&Session> {
        match self.credential {
            CredentialKind::BrowserCookie | CredentialKind::UserToken => Some(&self.session.live.session),
        }
    }

    /// When the session was last used, to within some minutes.
    pub fn last_seen_at(&self) -> Timestamp {
        self.session.last_seen_at()
    }

    /// The identity that the user came with.
    pub fn provider_id(&self) -> Option<&str> {
        self.session().map(|session| session.provider_id.as_str())
    }

    /// When the person last showed who they are; `None` where no person did.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.session().map(|session| session.auth_time)
    }

    /// The proof that a whole person acts, with a credential that is limited by nothing; `None` for every other credential.
    pub fn as_full_person(&self) -> Option<FullPerson> {
        match self.credential {
            CredentialKind::BrowserCookie | CredentialKind::UserToken => {
                Some(FullPerson(Arc::clone(&self.session)))
            }
        }
    }

    /// The proof that a person acts in their own browser, for what a credential that travels in addresses may not do; `None` for every
    /// credential but the browser's cookie.
    pub fn as_acting(&self) -> Option<Acting> {
        match self.credential {
            CredentialKind::BrowserCookie => Some(Acting(FullPerson(Arc::clone(&self.session)))),
            CredentialKind::UserToken => None,
        }
    }

    /// When the person last showed who they are, if that is no longer ago than `most`; otherwise `None`. What has no session is never fresh.
    pub fn fresh_since(&self, now: Timestamp, most: Duration) -> Option<Timestamp> {
        self.auth_time().filter(|at| now.since(*at) <= most)
    }

    /// The user as plugins read it.
    pub(crate) fn context_memo(&self) -> &ContextMemo {
        &self.session.context_memo
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
