//! Who a request acts for. Whatever kind of credential there will be, it becomes a [`Principal`] here and nowhere else.

use std::time::Duration;

use vestibule_domain::{Session, User, with_causes};

use crate::observer::{SESSION_ENDED, reason_of};
use crate::{FlowError, Flows};

/// How stale the last use of a session may become before it is written again.
const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(600);

/// Somebody who is signed in. Holding one is the proof: only [`Flows::authenticate`] makes it.
#[derive(Debug, Clone)]
pub struct Principal {
    user: User,
    session: Session,
}

impl Principal {
    /// The person.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The session that the credential belongs to.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl Flows {
    /// Turns a user token into who it stands for; `None` when there is no token, or it is not good, or its session,
    /// its user or both are gone.
    pub async fn authenticate(&self, token: Option<&str>) -> Result<Option<Principal>, FlowError> {
        let Some(token) = token else { return Ok(None) };
        let claims = match self.parts.tokens.verify_user_token(token) {
            Ok(claims) => claims,
            Err(reason) => {
                tracing::debug!(%reason, "a user token was refused");
                self.parts.observer.token_refused(reason_of(reason));
                return Ok(None);
            }
        };
        let now = self.parts.clock.now();
        let live = self.parts.storage.find_live_session(&claims.session_id, &claims.user_id, now).await?;
        let Some(live) = live else {
            self.parts.observer.token_refused(SESSION_ENDED);
            return Ok(None);
        };
        if now.since(live.session.last_seen_at) > LAST_SEEN_RESOLUTION {
            self.touch(&live.session).await;
        }
        Ok(Some(Principal { user: live.user, session: live.session }))
    }

    /// Notes that a session is in use. It is a convenience for its owner; failing must not fail the request.
    async fn touch(&self, session: &Session) {
        if let Err(error) = self.parts.storage.touch_session(&session.id, self.parts.clock.now()).await {
            tracing::debug!(error = with_causes(&error), "the last use of a session was not noted");
        }
    }
}
