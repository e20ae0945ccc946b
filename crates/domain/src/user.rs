//! A user, as the rest of the workspace sees one.

use crate::{Attributes, AvatarUrl, DisplayName, EmailAddress, Timestamp, UserId, Username};

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UserKind {
    /// A person.
    #[default]
    Person,
    /// A role account: programs act as it, with tokens; nobody signs in as it.
    Role,
}

impl UserKind {
    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Role => "role",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Role].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A person who has signed in at least once, or a role account.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Stable for ever.
    pub id: UserId,
    /// What it is.
    pub kind: UserKind,
    /// Chosen once by the person; absent until then.
    pub username: Option<Username>,
    /// From the provider, refreshed at each sign-in; extensions may change it.
    pub name: Option<DisplayName>,
    /// The address that a provider verified; absent when none did.
    pub email: Option<EmailAddress>,
    /// From the provider, refreshed at each sign-in; extensions may change it.
    pub avatar_url: Option<AvatarUrl>,
    /// What extensions keep.
    pub attributes: Attributes,
    /// When the first sign-in was.
    pub join_date: Timestamp,
    /// Since when the user may not sign in, if so.
    pub disabled_at: Option<Timestamp>,
}

impl User {
    /// What people know the user by: the name, else the username, else the address, else the id.
    pub fn shown_name(&self) -> &str {
        let name = self.name.as_ref().map(DisplayName::as_str);
        let username = self.username.as_ref().map(Username::as_str);
        let email = self.email.as_ref().map(EmailAddress::as_str);
        name.or(username).or(email).unwrap_or_else(|| self.id.as_str())
    }
}
