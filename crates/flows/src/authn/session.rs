//! Credentials that a sign-in session is behind: a user token, whose signature is good, the cookie of a browser, or a session handle.

use std::sync::Arc;

use vestibule_domain::{CredentialKind, SecretDigest, ServiceName, Session, Timestamp, error_chain};
use vestibule_storage::StorageError;
use vestibule_tokens::{TokenRefused, UserTokenClaims};

use super::cache::{CachedSession, SessionKey, SessionRef};
use super::session_handle::SessionHandle;
use super::{Authentication, Credentials, InvalidCredential, Principal, SessionNarrowing};
use crate::{FlowError, Flows};

/// What leads to a session.
pub(super) enum SessionCredential {
    /// The claims of a good user token.
    Token(Arc<UserTokenClaims>),
    /// The digest of a cookie.
    Cookie(SecretDigest),
    /// A good handle, and the app that it was made for.
    Handle(SessionHandle, ServiceName),
}

impl SessionCredential {
    fn key(&self, now: Timestamp) -> SessionKey<'_> {
        let by = match self {
            Self::Token(claims) => SessionRef::Id(&claims.session_id, &claims.user_id),
            Self::Cookie(digest) => SessionRef::Cookie(digest),
            Self::Handle(handle, _) => SessionRef::Id(&handle.session, &handle.user),
        };
        SessionKey { by, now }
    }

    /// Who came with it, if this is the session.
    fn principal(&self, session: Arc<CachedSession>) -> Principal {
        match self {
            Self::Token(_) => Principal::with_session(CredentialKind::UserToken, session),
            Self::Cookie(_) => Principal::with_session(CredentialKind::BrowserCookie, session),
            Self::Handle(_, app) => Principal::with_session_handle(session, app.clone()),
        }
    }
}

impl Flows {
    /// Finds out who a request acts for.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Authentication, FlowError> {
        self.authenticate_within(credentials, SessionNarrowing::default()).await
    }

    /// The same, for a request that asks more of a session.
    pub async fn authenticate_within(
        &self,
        credentials: Credentials<'_>,
        narrowing: SessionNarrowing,
    ) -> Result<Authentication, FlowError> {
        if let Some(lent) = self.authenticate_lent(credentials, narrowing).await? {
            return Ok(lent);
        }
        if let Some(bearer) = self.foreign_bearer(credentials) {
            let refusal = narrowing.refusal_without_session(None, self.dependencies.clock.now());
            return Ok(match (Box::pin(self.authenticate_foreign(bearer)).await?, refusal) {
                (Authentication::Authenticated(_), Some(refusal)) => {
                    Authentication::Invalid(self.note(refusal))
                }
                (found, _) => found,
            });
        }
        Ok(match self.verify(credentials) {
            Ok(credential) => authentication(self.find_principal(&credential, narrowing).await?),
            Err(nobody) => nobody,
        })
    }

    /// The same from memory alone: for a cookie or a token that was verified before, whose session is cached and fresh, and about
    /// which nothing is to be written. `None` means not cached; call [`Flows::authenticate`].
    pub fn authenticate_cached(&self, credentials: Credentials<'_>) -> Option<Principal> {
        if let Some(lent) = self.authenticate_cached_lent(credentials) {
            return Some(lent);
        }
        let tokens = &self.dependencies.tokens;
        let credential = match (credentials.token, credentials.cookie) {
            (Some(token), _) => SessionCredential::Token(tokens.find_cached_user_token(token)?),
            (None, Some(cookie)) => SessionCredential::Cookie(cookie.digest()),
            (None, None) => return None,
        };
        let key = credential.key(self.dependencies.clock.now());
        let session = self.session_cache.find_fresh(key)?;
        (!session.last_use.is_due(key.now)).then(|| credential.principal(session))
    }

    /// As [`Flows::authenticate`], to say who somebody is and for nothing else: while the database does not answer, a session
    /// that was known to be alive a moment ago counts, if the operator wants that.
    pub async fn authenticate_stale_ok(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Authentication, FlowError> {
        if let Some(lent) = self.authenticate_lent(credentials, SessionNarrowing::default()).await? {
            return Ok(lent);
        }
        if let Some(bearer) = self.foreign_bearer(credentials) {
            return Box::pin(self.authenticate_foreign(bearer)).await;
        }
        let credential = match self.verify(credentials) {
            Ok(credential) => credential,
            Err(nobody) => return Ok(nobody),
        };
        let grace = self.settings.outage_grace;
        let stale = || {
            let key = credential.key(self.dependencies.clock.now());
            let session = self.session_cache.find_in_outage(key, grace)?;
            Some(Authentication::Authenticated(credential.principal(session)))
        };
        if !grace.is_zero()
            && self.session_cache.is_in_outage()
            && let Some(authenticated) = stale()
        {
            return Ok(authenticated);
        }
        match self.find_principal(&credential, SessionNarrowing::default()).await {
            Err(error) if error.is_unavailable() && !grace.is_zero() => stale().ok_or_else(|| error.into()),
            result => Ok(authentication(result?)),
        }
    }

    /// The same principal as it stands now, for a caller that has waited; `None` when its session or user is no more. Memory
    /// knows, unless something has changed; then the database is asked.
    pub(crate) async fn refresh(&self, principal: Principal) -> Result<Option<Principal>, StorageError> {
        let now = self.dependencies.clock.now();
        let Some(session) = principal.cached_session() else { return self.refresh_lent(principal).await };
        if self.session_cache.is_fresh(session, now) {
            return Ok(Some(principal));
        }
        let live = &session.live;
        let by = SessionRef::Id(&live.session.id, &live.user.id);
        let found = self.session_cache.find(SessionKey { by, now }).await?;
        if found.is_none() {
            self.note(InvalidCredential::SessionEnded);
        }
        Ok(found.map(|session| principal.renewed(session)))
    }

    /// A handler has just said whose the token is; of a person of ours it is looked up whether they may still come in.
    async fn refresh_lent(&self, principal: Principal) -> Result<Option<Principal>, StorageError> {
        if let Some(known) = principal.known_token() {
            return self.refresh_token(Arc::clone(known)).await;
        }
        if principal.is_foreign() {
            return Ok(Some(principal));
        }
        let person = self.find_live_person(&principal.user().id).await?;
        Ok(person.map(|_| principal))
    }

    /// What a request proves itself with: an explicit token, and where there is none the cookie.
    ///
    /// INVARIANT: a token that is not good is never replaced by the cookie.
    fn verify(&self, credentials: Credentials<'_>) -> Result<SessionCredential, Authentication> {
        if let Some(opened) = self.session_handle(credentials) {
            return match opened {
                Ok((handle, app)) => Ok(SessionCredential::Handle(handle, app)),
                Err(invalid) => Err(Authentication::Invalid(self.note(invalid))),
            };
        }
        match (credentials.token, credentials.cookie) {
            (Some(token), _) => {
                let claims = self.note_refusal(self.dependencies.tokens.verify_user_token(token));
                claims.map(SessionCredential::Token).map_err(Authentication::Invalid)
            }
            (None, Some(cookie)) => Ok(SessionCredential::Cookie(cookie.digest())),
            (None, None) => Err(Authentication::Absent),
        }
    }

    /// Notes why a token was refused, if it was.
    pub(super) fn note_refusal(
        &self,
        verified: Result<Arc<UserTokenClaims>, TokenRefused>,
    ) -> Result<Arc<UserTokenClaims>, InvalidCredential> {
        verified.map_err(|reason| {
            tracing::debug!(%reason, "a user token was refused");
            self.note(reason.into())
        })
    }

    pub(crate) fn note(&self, invalid: InvalidCredential) -> InvalidCredential {
        self.dependencies.observer.token_refused(invalid.as_str());
        invalid
    }

    pub(super) async fn find_principal(
        &self,
        credential: &SessionCredential,
        narrowing: SessionNarrowing,
    ) -> Result<Result<Principal, InvalidCredential>, StorageError> {
        let key = credential.key(self.dependencies.clock.now());
        let Some(session) = self.session_cache.find(key).await? else {
            return Ok(Err(self.note(InvalidCredential::SessionEnded)));
        };
        // INVARIANT: a request that is refused is no use of the session; else the next one would not be.
        if let Some(refusal) = narrowing.refusal(&session, key.now) {
            return Ok(Err(self.note(refusal)));
        }
        if session.last_use.claim(key.now) {
            Box::pin(self.touch(&session.live.session)).await;
        }
        Ok(Ok(credential.principal(session)))
    }

    /// Notes that a session is in use. It is a convenience for its owner; failing must not fail the request.
    async fn touch(&self, session: &Session) {
        let now = self.dependencies.clock.now();
        if let Err(error) = self.dependencies.storage.touch_session(&session.id, now).await {
            tracing::debug!(error = error_chain(&error), "the last use of a session was not noted");
        }
    }
}

fn authentication(found: Result<Principal, InvalidCredential>) -> Authentication {
    found.map_or_else(Authentication::Invalid, Authentication::Authenticated)
}
