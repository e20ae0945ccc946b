//! A user, as the rest of the workspace sees one.

use crate::{Attributes, AvatarUrl, DisplayName, EmailAddress, Timestamp, UserId, Username};

/// A person who has signed in at least once.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Stable for ever.
    pub id: UserId,
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
