//! A sign-in that is over: where it leads, and what the browser gets.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use vestibule_domain::{Destination, Next, PublicUrls};

use crate::SessionCookie;

/// What a person who was to show once more who they are has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepUpNotice {
    /// Another user signed in; the earlier session in this browser is over.
    AnotherUser,
    /// The provider let the person pass without asking again.
    NotAskedAgain,
}

impl StepUpNotice {
    const ALL: [Self; 2] = [Self::AnotherUser, Self::NotAskedAgain];

    /// The parameter of the page that says so.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnotherUser => "another_user",
            Self::NotAskedAgain => "not_asked_again",
        }
    }

    /// Reads the parameter.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}

/// What a session that has begun is held by.
pub(super) enum NewCredential {
    /// A user token.
    Token(SecretString),
    /// The cookie of a browser.
    Cookie { cookie: SessionCookie, life: Duration, notice: Option<StepUpNotice> },
}

/// A sign-in that is over. Not `Debug`: there may be a token in it.
pub struct FinishedSignIn {
    /// Where the browser goes.
    pub location: String,
    /// The cookie that the browser gets, and for how long it may keep it.
    pub session_cookie: Option<(SessionCookie, Duration)>,
}

impl FinishedSignIn {
    /// A session has begun.
    pub(super) fn signed_in(
        destination: &Destination,
        credential: NewCredential,
        urls: PublicUrls<'_>,
    ) -> Self {
        match (destination, credential) {
            (Destination::Next(next), NewCredential::Token(token)) => Self::with_token(next, &token, urls),
            (Destination::OwnPage(page), NewCredential::Cookie { cookie, life, notice }) => {
                let location = match notice {
                    Some(notice) => urls.sign_in(page, ("notice", notice.as_str())),
                    None => urls.own_page(page),
                };
                Self { location, session_cookie: Some((cookie, life)) }
            }
            // A sign-in makes what its destination takes.
            (Destination::Next(_), NewCredential::Cookie { .. })
            | (Destination::OwnPage(_), NewCredential::Token(_)) => Self::rejected(urls.home()),
        }
    }

    fn with_token(next: &Next, token: &SecretString, urls: PublicUrls<'_>) -> Self {
        let location = next.with_token(&urls.home(), token.expose_secret());
        Self { location, session_cookie: None }
    }

    /// No session has begun: the provider, a plugin or the operator said no.
    pub(super) fn rejected(location: String) -> Self {
        Self { location, session_cookie: None }
    }
}
