//! The groups of the OpenAPI document.

use poem_openapi::Tags;

/// What an operation is about.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Who is signed in, and the end of a session.
    Sessions,
    /// The way through a provider and back. A browser navigates here; a frontend links to it.
    SignIn,
    /// What a person may do at a service.
    Permissions,
    /// Tokens that people make for their programs.
    Tokens,
    /// What people lend to programs of their own: access tokens, with the refresh tokens beside them.
    TokenPairs,
    /// Users that nobody signs in as, and their tokens.
    RoleAccounts,
    /// Usernames and public profiles.
    Users,
    /// The public keys that tokens are verified with.
    Keys,
    /// For load balancers and supervisors.
    Health,
}
