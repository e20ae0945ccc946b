//! Role accounts: users that are no people. Programs act as one, by its tokens; nobody signs in as one.

use std::fmt;

use thiserror::Error;

use crate::{Metadata, Timestamp, User, UserId};

const MAX_DESCRIPTION: usize = 1_000;

/// A text that cannot describe a role account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a description has 1 to {MAX_DESCRIPTION} characters, and no control characters but line breaks")]
pub struct DescriptionError;

/// What a role account is for, in the words of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Takes 1 to 1,000 characters without control characters other than line breaks.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        let is_shown = |c: char| c == '\n' || !c.is_control();
        let fits =
            !text.trim().is_empty() && text.chars().count() <= MAX_DESCRIPTION && text.chars().all(is_shown);
        if fits { Ok(Self(text.to_owned())) } else { Err(DescriptionError) }
    }

    /// The text itself; still to be escaped wherever it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A role account.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleAccount {
    /// As whom its programs act. It has a username, no identity and no address.
    pub user: User,
    /// Who may change it and make its tokens; `None`: administrators alone.
    pub owner: Option<UserId>,
    /// What it is for.
    pub description: Option<Description>,
    /// What its owner wrote beside it.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: the id of a user, or `operator`.
    pub created_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_text_of_bounded_length() {
        for good in ["nightly backups", "Zwei\nZeilen", &"ä".repeat(1_000)] {
            assert_eq!(Description::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " \n", "a\0b", "a\rb", "a\u{1b}[31m", &"x".repeat(1_001)] {
            assert_eq!(Description::parse(bad), Err(DescriptionError));
        }
    }
}
