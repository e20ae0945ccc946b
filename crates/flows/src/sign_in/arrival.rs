//! What a sign-in that comes back from its provider brings along from this browser.

use std::time::Duration;

use vestibule_domain::{ClientInfo, Destination, SecureRandom, Session, Timestamp, UserId};
use vestibule_storage::BrowserCookies;

use super::attempt::Attempt;
use super::finish::Callback;
use super::finished::StepUpNotice;
use crate::SessionCookie;

/// How much earlier than the attempt a provider's clock may say that the person showed who they are.
const CLOCK_LEEWAY: Duration = Duration::from_secs(60);

/// The browser that a person comes back with, and what it is to get.
pub(super) struct Arrival<'a> {
    pub(super) client: &'a ClientInfo,
    /// The new session cookie; `None` for a sign-in that ends with a token.
    pub(super) cookie: Option<SessionCookie>,
    /// The one that the browser has.
    pub(super) old_cookie: Option<&'a SessionCookie>,
    /// Since when the person is to show once more who they are, if they are.
    pub(super) stepping_up_since: Option<Timestamp>,
}

/// Who was signed in in a browser whose person was to show once more who they are.
pub(super) struct SessionBefore {
    pub(super) user: UserId,
    pub(super) since: Timestamp,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(
        callback: &'a Callback,
        attempt: &Attempt,
        destination: &Destination,
        randomness: &dyn SecureRandom,
    ) -> Self {
        let cookie = match destination {
            Destination::Next(_) => None,
            Destination::OwnPage(_) => Some(SessionCookie::random(randomness)),
        };
        Self {
            client: &callback.client,
            old_cookie: callback.session_cookie.as_ref().filter(|_| cookie.is_some()),
            cookie,
            stepping_up_since: attempt.stepping_up_since(),
        }
    }

    /// The cookies by their digests.
    pub(super) fn cookies(&self) -> Option<BrowserCookies> {
        let old = self.old_cookie.map(SessionCookie::digest);
        self.cookie.as_ref().map(|new| BrowserCookies { new: new.digest(), old })
    }
}

impl SessionBefore {
    /// What the person is told whose session this now is.
    pub(super) fn notice(&self, session: &Session) -> Option<StepUpNotice> {
        if self.user != session.user_id {
            return Some(StepUpNotice::AnotherUser);
        }
        let is_earlier = session.auth_time < self.since.minus(CLOCK_LEEWAY);
        is_earlier.then_some(StepUpNotice::NotAskedAgain)
    }
}
