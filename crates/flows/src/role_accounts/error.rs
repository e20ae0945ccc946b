//! Why a role account was not made or changed.

use thiserror::Error;
use vestibule_domain::Username;
use vestibule_storage::StorageError;

/// Why a role account was not made or changed. The texts are for whoever asked.
#[derive(Debug, Error)]
pub enum RoleAccountError {
    /// Another user has this username.
    #[error("another user is called {0}")]
    UsernameTaken(Username),
    /// The user cannot own role accounts.
    #[error("the owner of a role account is a person who is not disabled")]
    UnfitOwner,
    /// The owner has too many.
    #[error("the owner has {0} role accounts already, and no more are allowed")]
    LimitReached(u32),
    /// It makes no tokens now.
    #[error("the role account is disabled")]
    Disabled,
    /// There is no such role account.
    #[error("there is no such role account")]
    Unknown,
    /// The database has failed.
    #[error("the database")]
    Storage(#[from] StorageError),
}
