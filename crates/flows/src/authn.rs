//! Authentication: the credentials of a request become a [`Principal`], here and nowhere else.
//!
//! To add a kind of credential: its file here, its variant of [`CredentialKind`](vestibule_domain::CredentialKind), and the
//! place where requests carry it in [`Credentials`].

mod administrator;
mod cache;
mod handler_token;
mod last_use;
mod lent_token;
mod narrowing;
mod principal;
mod session;
mod session_cookie;
pub(crate) mod session_handle;
mod session_to_end;

use std::net::IpAddr;

use thiserror::Error;
use vestibule_tokens::TokenRefused;

use crate::FlowError;

pub use administrator::{
    Act, Administrator, Authority, Changing, Ending, Looking, Making, Pausing, View, Whose,
};
pub use handler_token::BearerPlace;
pub use narrowing::SessionNarrowing;
pub use principal::{Acting, FreshActing, FullPerson, Principal, Rights};
pub use session_cookie::SessionCookie;
pub use session_to_end::SessionToEnd;

pub(crate) use cache::SessionCache;
pub(crate) use lent_token::{LiveToken, TokenCredentials};
pub(crate) use session_to_end::LentGrant;
pub(crate) use session_to_end::TokenSession;

/// The credentials of a request by the place where it carries them, not looked at yet. Not `Debug`: they are secrets.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// A token, wherever clients put one.
    pub token: Option<&'a str>,
    /// The session cookie of a browser, where it counts. Not looked at beside a token.
    pub cookie: Option<&'a SessionCookie>,
    /// Whether a token stands where others than the service read it: in an address or a form. One that outlives sessions does not count
    /// there.
    pub is_exposed: bool,
    /// Whether the token counts if it is a session handle: it is a bearer, at an operation about the session.
    pub takes_handle: bool,
    /// The address of the client, if it is known.
    pub client: Option<IpAddr>,
    /// Where the token stands, if it is a bearer and may be another's than ours.
    pub bearer: Option<BearerPlace<'a>>,
}

/// What the credentials of a request come to.
#[derive(Debug)]
pub enum Authentication {
    /// The request carries no credential.
    Absent,
    /// It carries one that is not good. Nothing else is looked at in its place.
    Invalid(InvalidCredential),
    /// It acts for this principal.
    Authenticated(Principal),
}

impl Authentication {
    /// The principal of an operation that needs one.
    pub fn require(self) -> Result<Principal, FlowError> {
        match self {
            Self::Authenticated(principal) => Ok(principal),
            Self::Invalid(InvalidCredential::Misplaced) => Err(FlowError::WrongCredential),
            Self::Invalid(invalid) => Err(FlowError::Unauthenticated(Some(invalid))),
            Self::Absent => Err(FlowError::Unauthenticated(None)),
        }
    }

    /// The principal, where it makes no difference why there is none.
    pub fn into_principal(self) -> Option<Principal> {
        match self {
            Self::Authenticated(principal) => Some(principal),
            Self::Absent | Self::Invalid(_) => None,
        }
    }
}

/// What is wrong with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidCredential {
    /// It is no good token of ours.
    #[error("the token was refused: {0}")]
    Token(#[from] TokenRefused),
    /// The token is good; its session or its user is no more.
    #[error("the session has ended")]
    SessionEnded,
    /// It has the form of an opaque secret of ours, and its checksum is wrong.
    #[error("the token is damaged")]
    Damaged,
    /// It is a token that must not stand in an address or a form.
    #[error("the token stands in an address or a form")]
    Exposed,
    /// It is a secret of ours for something else.
    #[error("the secret is of another kind")]
    OtherKind,
    /// No living token is found by it.
    #[error("there is no such token, or it is over")]
    UnknownToken,
    /// A refresh token whose successor was spent in its turn. Nothing ends.
    #[error("the refresh token was replaced, and its successor is in use")]
    Superseded,
    /// A refresh token that came again after its successor was used: two hold it, and its grant has ended.
    #[error("the refresh token was used before, and what it was answered is in use; its grant has ended")]
    Reused,
    /// It is not ours, and no token handler says whose it is.
    #[error("no token handler says whose the token is")]
    NotResolved,
    /// It is a session handle that is not good, or over, or of an app that there is not.
    #[error("the session handle is not good, or it is over")]
    Handle,
    /// It is a session handle where none counts.
    #[error("a session handle stands where none counts")]
    Misplaced,
    /// The session was not used for longer than the request allows.
    #[error("the session has not been used for longer than this request allows")]
    SessionIdle,
    /// The sign-in is longer ago than the request allows.
    #[error("the sign-in is longer ago than this request allows")]
    SessionNotFresh,
}

impl InvalidCredential {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::Damaged => "damaged",
            Self::Exposed => "exposed",
            Self::OtherKind => "kind",
            Self::UnknownToken => "unknown_token",
            Self::Superseded => "superseded",
            Self::Reused => "reused",
            Self::NotResolved => "not_resolved",
            Self::Handle => "session_handle",
            Self::Misplaced => "misplaced",
            Self::SessionIdle => "session_idle",
            Self::SessionNotFresh => "session_not_fresh",
            Self::Token(refusal) => match refusal {
                TokenRefused::TooLarge => "too_large",
                TokenRefused::Shape => "shape",
                TokenRefused::Encoding => "encoding",
                TokenRefused::Header => "header",
                TokenRefused::Algorithm => "algorithm",
                TokenRefused::Kind => "kind",
                TokenRefused::UnknownKey => "unknown_key",
                TokenRefused::Signature => "signature",
                TokenRefused::Claims => "claims",
                TokenRefused::Issuer => "issuer",
                TokenRefused::Audience => "audience",
                TokenRefused::Expired => "expired",
                TokenRefused::IssuedInFuture => "issued_in_future",
            },
        }
    }
}
