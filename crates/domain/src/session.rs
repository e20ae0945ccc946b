//! A sign-in session: from the callback until sign-out, expiry or revocation.

use std::time::Duration;

use crate::{SessionId, Timestamp, UserId};

/// Where a session came from, for the person's own list of sessions and for audits. Cut to bounded lengths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    /// The `User-Agent` header, at most 256 characters, without control characters.
    pub user_agent: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The id of the request, by which the log has more about it.
    pub request_id: Option<String>,
}

impl ClientInfo {
    /// Cleans what a request says about its client.
    pub fn new(user_agent: Option<&str>, ip: Option<String>) -> Self {
        let user_agent = user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(256).collect());
        Self { user_agent, ip, request_id: None }
    }

    /// The same client by this request.
    #[must_use]
    pub fn by_request(self, id: Option<&str>) -> Self {
        Self { request_id: id.map(str::to_owned), ..self }
    }
}

/// What a session is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A user token. It lives as long as the token, used or not.
    Token,
    /// The session cookie of a browser. It ends when it is not used, and some time after the sign-in.
    Browser,
}

impl SessionKind {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Browser => "browser",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Token, Self::Browser].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How long browser sessions live. Both count for those that exist already as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// After its last use.
    pub idle: Duration,
    /// After the sign-in, however much it is used.
    pub max_age: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { idle: DAY * 7, max_age: DAY * 30 }
    }
}

/// A sign-in session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of its user token.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is held by.
    pub kind: SessionKind,
    /// The identity that signed in, as `provider:subject`.
    pub provider_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When the person last signed in within it, by our clock.
    pub signed_in_at: Timestamp,
    /// When the person last showed the provider who they are, as far as it says so (the `auth_time` of OpenID Connect Core section 2);
    /// never later than `signed_in_at`.
    pub auth_time: Timestamp,
    /// When it was last used, to within some minutes.
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

impl Session {
    /// When it ends if it is not used any more; `None` for one that need not be used.
    pub fn idle_expires_at(&self, limits: &SessionLimits) -> Option<Timestamp> {
        self.idle_end_after(self.last_seen_at, limits)
    }

    /// The same, if it was last used at that moment.
    pub fn idle_end_after(&self, last_seen_at: Timestamp, limits: &SessionLimits) -> Option<Timestamp> {
        (self.kind == SessionKind::Browser).then(|| last_seen_at.plus(limits.idle))
    }

    /// When it ends, however much it is used.
    pub fn ends_at(&self, limits: &SessionLimits) -> Timestamp {
        match self.kind {
            SessionKind::Token => self.expires_at,
            SessionKind::Browser => self.expires_at.min(self.signed_in_at.plus(limits.max_age)),
        }
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        self.is_running_when_seen(self.last_seen_at, now, limits)
    }

    /// The same, if it was last used at that moment.
    pub fn is_running_when_seen(
        &self,
        last_seen_at: Timestamp,
        now: Timestamp,
        limits: &SessionLimits,
    ) -> bool {
        self.ends_at(limits) > now && self.idle_end_after(last_seen_at, limits).is_none_or(|end| end > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(kind: SessionKind) -> Session {
        Session {
            id: SessionId::parse("s").unwrap(),
            user_id: UserId::parse("ada").unwrap(),
            kind,
            provider_id: "google:1".into(),
            created_at: Timestamp::from_seconds(0),
            signed_in_at: Timestamp::from_seconds(100),
            auth_time: Timestamp::from_seconds(100),
            last_seen_at: Timestamp::from_seconds(200),
            expires_at: Timestamp::from_seconds(1_000),
        }
    }

    #[test]
    fn g4_a_browser_session_ends_unused_and_with_age_and_a_token_session_with_its_token() {
        let limits = SessionLimits { idle: Duration::from_secs(50), max_age: Duration::from_secs(300) };
        let (browser, token) = (session(SessionKind::Browser), session(SessionKind::Token));
        let running =
            |session: &Session, seconds, limits| session.is_running(Timestamp::from_seconds(seconds), limits);
        assert!(running(&browser, 249, &limits) && !running(&browser, 250, &limits), "unused");
        let busy = Session { last_seen_at: Timestamp::from_seconds(399), ..browser.clone() };
        assert!(
            running(&busy, 399, &limits) && !running(&busy, 400, &limits),
            "the age counts from the sign-in"
        );
        assert!(running(&token, 999, &limits) && !running(&token, 1_000, &limits));
        let wide = SessionLimits { idle: Duration::from_secs(9_000), max_age: Duration::from_secs(9_000) };
        assert!(
            running(&browser, 999, &wide) && !running(&browser, 1_000, &wide),
            "nothing outlives its own date"
        );
        assert_eq!(token.idle_expires_at(&limits), None);
        assert_eq!(browser.idle_expires_at(&limits), Some(Timestamp::from_seconds(250)));
    }

    #[test]
    fn what_a_request_says_of_its_client_is_cut_to_text_of_bounded_length() {
        let client =
            ClientInfo::new(Some(&format!("Browser\r\n{}", "ä".repeat(300))), Some("203.0.113.7".into()));
        let agent = client.user_agent.clone().unwrap();
        assert_eq!((agent.chars().count(), agent.starts_with("Browserä")), (256, true));
        assert_eq!((client.ip.as_deref(), &client.request_id), (Some("203.0.113.7"), &None));
        let client = client.by_request(Some("r1"));
        assert_eq!((client.request_id.as_deref(), client.user_agent), (Some("r1"), Some(agent)));
    }
}
