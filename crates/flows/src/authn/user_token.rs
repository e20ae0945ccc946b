//! User tokens: a signature that is good, of a session that is alive.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{Session, error_chain};
use vestibule_storage::StorageError;
use vestibule_tokens::{TokenRefused, UserTokenClaims};

use super::cache::SessionKey;
use super::{Authentication, Credentials, InvalidCredential, Principal};
use crate::{FlowError, Flows};

/// How stale the last use of a session may become before it is written again.
const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(600);

impl Flows {
    /// Finds out who a request acts for.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Authentication, FlowError> {
        let claims = match self.verify(credentials) {
            Ok(claims) => claims,
            Err(nobody) => return Ok(nobody),
        };
        Ok(authentication(self.find_principal(&claims).await?))
    }

    /// The same from memory alone: for a token that was verified before, whose session is cached and fresh, and about which
    /// nothing is to be written. `None` means not cached; call [`Flows::authenticate`].
    pub fn authenticate_cached(&self, credentials: Credentials<'_>) -> Option<Principal> {
        let claims = self.dependencies.tokens.find_cached_user_token(credentials.token?)?;
        let key = self.session_key(&claims);
        let session = self.session_cache.find_fresh(key)?;
        (!session.is_due(key.now, LAST_SEEN_RESOLUTION)).then(|| Principal::with_user_token(session))
    }

    /// As [`Flows::authenticate`], to say who somebody is and for nothing else: while the database does not answer, a session
    /// that was known to be alive a moment ago counts, if the operator wants that.
    pub async fn authenticate_stale_ok(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Authentication, FlowError> {
        let claims = match self.verify(credentials) {
            Ok(claims) => claims,
            Err(nobody) => return Ok(nobody),
        };
        let grace = self.settings.outage_grace;
        let stale = || {
            let session = self.session_cache.find_in_outage(self.session_key(&claims), grace);
            session.map(|session| Authentication::Authenticated(Principal::with_user_token(session)))
        };
        if !grace.is_zero()
            && self.session_cache.is_in_outage()
            && let Some(authenticated) = stale()
        {
            return Ok(authenticated);
        }
        match self.find_principal(&claims).await {
            Err(error) if error.is_unavailable() && !grace.is_zero() => stale().ok_or_else(|| error.into()),
            result => Ok(authentication(result?)),
        }
    }

    /// The same principal as it stands now, for a caller that has waited; `None` when its session or user is no more. Memory
    /// knows, unless something has changed; then the database is asked.
    pub(crate) async fn refresh(&self, principal: Principal) -> Result<Option<Principal>, StorageError> {
        let live = &principal.session.live;
        let key =
            SessionKey { session: &live.session.id, user: &live.user.id, now: self.dependencies.clock.now() };
        if self.session_cache.is_fresh(&principal.session, key) {
            return Ok(Some(principal));
        }
        let found = self.session_cache.find(key).await?;
        if found.is_none() {
            self.note(InvalidCredential::SessionEnded);
        }
        Ok(found.map(Principal::with_user_token))
    }

    fn verify(&self, credentials: Credentials<'_>) -> Result<Arc<UserTokenClaims>, Authentication> {
        let token = credentials.token.ok_or(Authentication::Absent)?;
        self.note_refusal(self.dependencies.tokens.verify_user_token(token)).map_err(Authentication::Invalid)
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

    fn note(&self, invalid: InvalidCredential) -> InvalidCredential {
        self.dependencies.observer.token_refused(invalid.as_str());
        invalid
    }

    fn session_key<'a>(&self, claims: &'a UserTokenClaims) -> SessionKey<'a> {
        SessionKey { session: &claims.session_id, user: &claims.user_id, now: self.dependencies.clock.now() }
    }

    pub(super) async fn find_principal(
        &self,
        claims: &UserTokenClaims,
    ) -> Result<Option<Principal>, StorageError> {
        let key = self.session_key(claims);
        let Some(session) = self.session_cache.find(key).await? else {
            self.note(InvalidCredential::SessionEnded);
            return Ok(None);
        };
        if session.claim_touch(key.now, LAST_SEEN_RESOLUTION) {
            Box::pin(self.touch(&session.live.session)).await;
        }
        Ok(Some(Principal::with_user_token(session)))
    }

    /// Notes that a session is in use. It is a convenience for its owner; failing must not fail the request.
    async fn touch(&self, session: &Session) {
        let now = self.dependencies.clock.now();
        if let Err(error) = self.dependencies.storage.touch_session(&session.id, now).await {
            tracing::debug!(error = error_chain(&error), "the last use of a session was not noted");
        }
    }
}

fn authentication(found: Option<Principal>) -> Authentication {
    found.map_or(Authentication::Invalid(InvalidCredential::SessionEnded), Authentication::Authenticated)
}
