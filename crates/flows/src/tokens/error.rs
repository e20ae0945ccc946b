//! Why a token was not made or changed.

use std::time::Duration;

use thiserror::Error;
use vestibule_domain::{NarrowingError, ServicesError};
use vestibule_storage::StorageError;

/// Why a token was not made, changed, replaced or ended. The texts are for whoever asked.
#[derive(Debug, Error)]
pub enum TokenError {
    /// A service that there is not.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// A change that would lend more.
    #[error(transparent)]
    Narrowing(#[from] NarrowingError),
    /// A scope that only tokens of role accounts have.
    #[error("the scope {0} is for role accounts alone")]
    RoleAccountsAlone(String),
    /// A scope that the asker may not put into a token.
    #[error("the scope {0} is put into a token by an administrator or by the command line alone")]
    AdministratorsAlone(String),
    /// A scope to judge others' tokens, for every service.
    #[error("a token with the scope {0} names its services; * is not for it")]
    JudgesEveryService(String),
    /// What ends with its session, for every service or for none.
    #[error(
        "what is lent with a user token names its services, and * is not for it; with the session cookie it may be for all"
    )]
    NamesNoService,
    /// A life beyond the longest.
    #[error("a token may live {} at most", humantime::format_duration(*.0))]
    TooLong(Duration),
    /// No life at all.
    #[error("a token lives for a second at least")]
    TooShort,
    /// A person's token without an end.
    #[error("a token of a person has an end")]
    Endless,
    /// An overlap beyond the longest.
    #[error("both tokens may count together for {} at most", humantime::format_duration(*.0))]
    LongOverlap(Duration),
    /// There are too many.
    #[error("there are {0} tokens already, and no more are allowed; end one first")]
    LimitReached(u32),
    /// The token has a successor.
    #[error("the token was replaced already; its successor can be replaced in its turn")]
    AlreadyRotated,
    /// There is no such token that is alive, or it is another's.
    #[error("there is no such token")]
    Unknown,
    /// The user is disabled or gone.
    #[error("tokens are made for users that are enabled alone")]
    UserDisabled,
    /// The database has failed.
    #[error("the database")]
    Storage(#[from] StorageError),
}
