//! Role accounts: making, listing and changing them, and their tokens.
//!
//! Whoever acts has proved beforehand that the role account is theirs to act on.

mod accounts;
mod authority;
mod error;
mod manage;
mod tokens;

use vestibule_domain::{Description, DisplayName, Metadata, UserId, Username};

pub use authority::{RoleAccountAuthority, RoleAccountMaker};
pub use error::RoleAccountError;

pub(crate) use accounts::RoleAccounts;

/// How many role accounts one owner has at most.
const MOST_OF_AN_OWNER: u32 = 50;

/// Who makes role accounts over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoleAccountMakers {
    /// Administrators.
    #[default]
    Admins,
    /// Everybody, for themselves.
    Users,
}

/// What is asked of a new role account.
#[derive(Debug, Clone)]
pub struct RoleAccountRequest {
    /// Its name among all users.
    pub username: Username,
    /// What it is called.
    pub name: Option<DisplayName>,
    /// What it is for.
    pub description: Option<Description>,
    /// What is written beside it.
    pub metadata: Metadata,
    /// Who may act on it beside administrators.
    pub owner: Option<UserId>,
}
