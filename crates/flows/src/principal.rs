//! Who a request acts for. Whatever kind of credential there will be, it becomes a [`Principal`] here and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{Session, User, with_causes};
use vestibule_plugin_host::ContextMemo;
use vestibule_storage::StorageError;
use vestibule_tokens::{TokenRefused, UserTokenClaims};

use crate::observer::{SESSION_ENDED, reason_of};
use crate::sessions::{Kept, Wanted};
use crate::{FlowError, Flows};

/// How stale the last use of a session may become before it is written again.
const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(600);

/// Somebody who is signed in. Holding one is the proof: only [`Flows::authenticate`] makes it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Kept>);

impl Principal {
    /// The person.
    pub fn user(&self) -> &User {
        &self.0.live.user
    }

    /// The session that the credential belongs to.
    pub fn session(&self) -> &Session {
        &self.0.live.session
    }

    /// The user as plugins read it.
    pub(crate) fn context_memo(&self) -> &ContextMemo {
        &self.0.context_memo
    }
}

impl Flows {
    /// Turns a user token into who it stands for; `None` when there is no token, or it is not good, or its session,
    /// its user or both are gone.
    pub async fn authenticate(&self, token: Option<&str>) -> Result<Option<Principal>, FlowError> {
        match self.verify(token) {
            Some(claims) => Ok(self.find_principal(&claims).await?),
            None => Ok(None),
        }
    }

    /// The same as far as memory can tell: of a token that was verified before, whose session is kept and counts, and when
    /// nothing is to be noted about it. `None` says nothing about anybody; then the others are to be asked.
    pub fn recall(&self, token: &str) -> Option<Principal> {
        let claims = self.parts.tokens.recall_user_token(token)?;
        let wanted = self.wanted(&claims);
        let kept = self.sessions.recall(wanted)?;
        (!kept.is_due(wanted.now, LAST_SEEN_RESOLUTION)).then_some(Principal(kept))
    }

    /// As [`Flows::authenticate`], to say who somebody is and for nothing else: while the database does not answer, a session
    /// that was known to be alive a moment ago counts, if the operator wants that.
    pub(crate) async fn recognize(&self, token: Option<&str>) -> Result<Option<Principal>, FlowError> {
        let Some(claims) = self.verify(token) else { return Ok(None) };
        let grace = self.settings.outage_grace;
        let in_outage = || self.sessions.find_in_outage(self.wanted(&claims), grace).map(Principal);
        if !grace.is_zero()
            && self.sessions.is_in_outage()
            && let Some(principal) = in_outage()
        {
            return Ok(Some(principal));
        }
        match self.find_principal(&claims).await {
            Err(error) if error.is_unavailable() && !grace.is_zero() => match in_outage() {
                Some(principal) => Ok(Some(principal)),
                None => Err(error.into()),
            },
            result => Ok(result?),
        }
    }

    /// Whose session a token is of, for whoever ends it: also one that another machine's clock dates later than now.
    pub(crate) fn claims_to_end(&self, token: Option<&str>) -> Option<Arc<UserTokenClaims>> {
        self.note_refusal(self.parts.tokens.verify_user_token_of_any_clock(token?))
    }

    /// The same person as they stand now, for whoever has waited in between; `None` when the session or the user is no more.
    /// Memory knows, unless something has changed; then the database is asked.
    pub(crate) async fn look_again(&self, principal: Principal) -> Result<Option<Principal>, StorageError> {
        let (session, user) = (principal.session(), principal.user());
        let wanted = Wanted { session: &session.id, user: &user.id, now: self.parts.clock.now() };
        if self.sessions.counts(&principal.0, wanted) {
            return Ok(Some(principal));
        }
        let found = self.sessions.find(wanted).await?;
        if found.is_none() {
            self.parts.observer.token_refused(SESSION_ENDED);
        }
        Ok(found.map(Principal))
    }

    fn verify(&self, token: Option<&str>) -> Option<Arc<UserTokenClaims>> {
        self.note_refusal(self.parts.tokens.verify_user_token(token?))
    }

    /// Notes why a token was refused, if it was.
    fn note_refusal(
        &self,
        verified: Result<Arc<UserTokenClaims>, TokenRefused>,
    ) -> Option<Arc<UserTokenClaims>> {
        let refused = |reason: &TokenRefused| {
            tracing::debug!(%reason, "a user token was refused");
            self.parts.observer.token_refused(reason_of(*reason));
        };
        verified.inspect_err(refused).ok()
    }

    fn wanted<'a>(&self, claims: &'a UserTokenClaims) -> Wanted<'a> {
        Wanted { session: &claims.session_id, user: &claims.user_id, now: self.parts.clock.now() }
    }

    pub(crate) async fn find_principal(
        &self,
        claims: &UserTokenClaims,
    ) -> Result<Option<Principal>, StorageError> {
        let wanted = self.wanted(claims);
        let Some(kept) = self.sessions.find(wanted).await? else {
            self.parts.observer.token_refused(SESSION_ENDED);
            return Ok(None);
        };
        if kept.is_to_be_touched(wanted.now, LAST_SEEN_RESOLUTION) {
            self.touch(&kept.live.session).await;
        }
        Ok(Some(Principal(kept)))
    }

    /// Notes that a session is in use. It is a convenience for its owner; failing must not fail the request.
    async fn touch(&self, session: &Session) {
        if let Err(error) = self.parts.storage.touch_session(&session.id, self.parts.clock.now()).await {
            tracing::debug!(error = with_causes(&error), "the last use of a session was not noted");
        }
    }
}
