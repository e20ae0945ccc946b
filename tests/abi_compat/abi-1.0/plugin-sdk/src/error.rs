//! Why an operation has no answer.

use std::fmt;

use vestibule_plugin_abi::code;

/// What an operation gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation has no answer. The texts are for the operator's log: put no secrets and no personal data in them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It may work later: a database is away, a limit is reached.
    Retry(String),
    /// The user is refused. Heeded only where the operator allows this plugin to deny.
    Deny(String),
    /// This plugin has nothing to say about this user. For a hook that means no change; a permission provider that
    /// has no opinion gives no token.
    NoOpinion,
    /// It will not work until somebody mends it.
    Fatal(String),
}

impl Error {
    /// [`Error::Retry`] with the text of `reason`.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::Retry(reason.to_string())
    }

    /// [`Error::Deny`] with the text of `reason`.
    pub fn deny(reason: impl fmt::Display) -> Self {
        Self::Deny(reason.to_string())
    }

    /// [`Error::Fatal`] with the text of `reason`.
    pub fn fatal(reason: impl fmt::Display) -> Self {
        Self::Fatal(reason.to_string())
    }

    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Retry(_) => code::RETRY,
            Self::Deny(_) => code::DENY,
            Self::NoOpinion => code::NO_OPINION,
            Self::Fatal(_) => code::FATAL,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Retry(text) | Self::Deny(text) | Self::Fatal(text) => text,
            Self::NoOpinion => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(text) => write!(formatter, "try again later: {text}"),
            Self::Deny(text) => write!(formatter, "denied: {text}"),
            Self::NoOpinion => formatter.write_str("no opinion"),
            Self::Fatal(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
