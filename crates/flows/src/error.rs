//! Who is at fault when a use case cannot do what was asked.

mod permission;
mod sign_in;

use std::time::Duration;

use thiserror::Error;
use vestibule_domain::{AdministratorRole, NextError, SessionDataError, error_chain};
use vestibule_storage::StorageError;
use vestibule_tokens::SignError;
use vestibule_upstream::ProviderBusy;

use crate::authn::InvalidCredential;
use crate::{RoleAccountError, TokenError};

pub use permission::PermissionError;
pub(crate) use sign_in::error_code_of;
pub use sign_in::{CallbackRefusal, SignInError};

/// Why a use case did not happen. Which answer each becomes is decided at one place, in the HTTP crate.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The caller: the request carries no credential, or one that is not good, where one is needed.
    #[error("a good credential is needed")]
    Unauthenticated(Option<InvalidCredential>),
    /// Policy: the credential was not lent what the request needs.
    #[error("the credential has not the scope {needed:?}")]
    InsufficientScope {
        /// What it would need (RFC 6750 section 3).
        needed: String,
    },
    /// The caller: what the request names does not exist, or not for this principal.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller: what the request makes exists already, or was changed meanwhile.
    #[error("{0}")]
    Conflict(&'static str),
    /// Policy: a credential of this kind may not do what was asked.
    #[error("a credential of this kind may not do this")]
    WrongCredential,
    /// Policy: who asks does not administer the service, or not so far.
    #[error("this takes the role {0} at the service itself")]
    RoleRequired(AdministratorRole),
    /// Policy: the page that asks is of no app of ours.
    #[error("the page that asks is at the origin of no app")]
    UnknownApp,
    /// The caller: what was asked for is about a session, and the credential has none.
    #[error("the credential has no session")]
    NoSession,
    /// The caller: what an app is to keep is not what an app may keep.
    #[error(transparent)]
    SessionData(SessionDataError),
    /// A token was not made, changed or ended.
    #[error(transparent)]
    Token(TokenError),
    /// A role account was not made or changed.
    #[error(transparent)]
    RoleAccount(RoleAccountError),
    /// The caller: this account asks too often.
    #[error("too many requests for this account")]
    TooManyRequests {
        /// How long until the next one is allowed.
        retry_after: Duration,
    },
    /// A sign-in cannot begin or finish.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// There is no permission token.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// A plugin: whose a token is cannot be found out now.
    #[error("no token handler can say now whose the token is")]
    TokenHandlerUnavailable {
        /// How long until another try may help.
        retry_after: Duration,
    },
    /// Us, for a moment: more signatures are asked for than can be made.
    #[error("too many signatures are waiting")]
    Busy,
    /// Us, for a while: the database is out of reach.
    #[error("the database is unavailable: {0}")]
    StorageUnavailable(String),
    /// Us: something that should not happen.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<StorageError> for FlowError {
    fn from(error: StorageError) -> Self {
        let text = error_chain(&error);
        if error.is_unavailable() { Self::StorageUnavailable(text) } else { Self::Internal(text) }
    }
}

impl From<TokenError> for FlowError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Storage(error) => error.into(),
            TokenError::Unknown => Self::NotFound("token"),
            error => Self::Token(error),
        }
    }
}

impl From<RoleAccountError> for FlowError {
    fn from(error: RoleAccountError) -> Self {
        match error {
            RoleAccountError::Storage(error) => error.into(),
            RoleAccountError::Unknown => Self::NotFound("role account"),
            error => Self::RoleAccount(error),
        }
    }
}

impl From<SignError> for FlowError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Busy => Self::Busy,
            SignError::NoKey | SignError::Ended | SignError::TooLarge | SignError::Failed => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<NextError> for FlowError {
    fn from(error: NextError) -> Self {
        SignInError::from(error).into()
    }
}

impl From<CallbackRefusal> for FlowError {
    fn from(refusal: CallbackRefusal) -> Self {
        SignInError::from(refusal).into()
    }
}

impl From<ProviderBusy> for FlowError {
    fn from(busy: ProviderBusy) -> Self {
        SignInError::from(busy).into()
    }
}
