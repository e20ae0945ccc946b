//! What one request asks of a session beyond its being alive.

use std::time::Duration;

use vestibule_domain::Timestamp;

use super::InvalidCredential;
use super::cache::CachedSession;

/// What one request asks of a session beyond its being alive. It refuses this request and ends nothing; it can only ask for more than
/// the settings do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionNarrowing {
    /// How long ago the session may have been used last.
    pub idle: Option<Duration>,
    /// How long ago the person may have shown who they are.
    pub max_age: Option<Duration>,
}

impl SessionNarrowing {
    /// Why a credential without a session does not do for this request, if it asks for anything: no session has ever used it. When its
    /// person showed who they are is known of some.
    pub(super) fn refusal_without_session(
        self,
        auth_time: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<InvalidCredential> {
        if self.idle.is_some() {
            return Some(InvalidCredential::SessionIdle);
        }
        let most = self.max_age?;
        let is_fresh = auth_time.is_some_and(|at| now.since(at) <= most);
        (!is_fresh).then_some(InvalidCredential::SessionNotFresh)
    }

    /// Why a session does not do for this request. Asked before the request itself counts as a use.
    pub(super) fn refusal(self, session: &CachedSession, now: Timestamp) -> Option<InvalidCredential> {
        let is_older = |moment, most: Option<Duration>| most.is_some_and(|most| now.since(moment) > most);
        if is_older(session.last_seen_at(), self.idle) {
            return Some(InvalidCredential::SessionIdle);
        }
        is_older(session.live.session.auth_time, self.max_age).then_some(InvalidCredential::SessionNotFresh)
    }
}
