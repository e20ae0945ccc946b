//! Why an administrator's wish was not done.

use thiserror::Error;
use vestibule_domain::{
    ApiTokenId, GrantId, OrganizationId, OrganizationLogin, ProviderName, ServiceName, User,
};
use vestibule_plugin_host::CallFailure;
use vestibule_storage::StorageError;

use super::named::{NamedUser, describe_user};
use super::role_details::RoleDetails;
use crate::{RoleAccountError, TokenError};

/// Why a flow of an administrator did not happen. The texts name what was wrong and are for the administrator.
#[derive(Debug, Error)]
pub enum AdminError {
    /// There is no such user.
    #[error("no user has {0}")]
    UnknownUser(NamedUser),
    /// The text is the id of one user and the username of another.
    #[error(
        "{text:?} is the id of {} and the username of {}",
        describe_user(.by_id),
        describe_user(.by_username)
    )]
    AmbiguousUser {
        /// What was named.
        text: String,
        /// The user with this id.
        by_id: Box<User>,
        /// The user with this username.
        by_username: Box<User>,
    },
    /// The text is the username of a user, and looks like the id of another one.
    #[error("{text:?} looks like an id, but no user has it; it is the username of {}", describe_user(.user))]
    UsernameLikeId {
        /// What was named.
        text: String,
        /// The user with this username.
        user: Box<User>,
    },
    /// The address is verified for more than one user.
    #[error("{text:?} is verified for several users: {}", join_users(.users))]
    AmbiguousAddress {
        /// What was named.
        text: String,
        /// The users.
        users: Vec<User>,
    },
    /// The user does not have the identity.
    #[error("{}: has no identity {provider}:{subject}", describe_user(.user))]
    UnknownIdentity {
        /// The user.
        user: Box<User>,
        /// The provider that was named.
        provider: ProviderName,
        /// The subject there.
        subject: String,
    },
    /// Without the identity the user could not sign in any more.
    #[error(
        "{}: {provider}:{subject} is the last way in: no other identity is of a provider that is configured",
        describe_user(.user)
    )]
    LastIdentity {
        /// The user.
        user: Box<User>,
        /// The provider of the identity.
        provider: ProviderName,
        /// The subject there.
        subject: String,
    },
    /// A role at the service itself cannot be this one.
    #[error("{service}: {rule}")]
    ReservedService {
        /// The service as it was named.
        service: ServiceName,
        /// The rule that does not allow it.
        rule: ReservedServiceRule,
    },
    /// No organization was seen under this login.
    #[error(
        "no member of the organization {} has signed in yet; name it by its number, which https://api.github.com/orgs/{} has as id",
        .0.as_str(),
        .0.as_str()
    )]
    UnknownOrganization(OrganizationLogin),
    /// More than one organization was seen under this login.
    #[error(
        "several organizations were seen as {}: {}; name the one that you mean by its number",
        .login.as_str(),
        join(.numbers)
    )]
    AmbiguousOrganization {
        /// The login that was named.
        login: OrganizationLogin,
        /// The organizations that were seen under it.
        numbers: Vec<OrganizationId>,
    },
    /// The role cannot be revoked, because it is not granted.
    #[error("{0}: is not granted")]
    RoleNotGranted(Box<RoleDetails>),
    /// Without providers in the settings, every identity would look as if it were left behind.
    #[error("no provider is configured")]
    NoConfiguredProvider,
    /// A provider of this name has left nothing.
    #[error("{0}: it has left nothing: all its identities are of an issuer that is configured")]
    NothingLeft(ProviderName),
    /// A role account cannot be made like this.
    #[error(transparent)]
    RoleAccount(#[from] RoleAccountError),
    /// The user is no role account.
    #[error("{}: is a person, no role account", describe_user(.0))]
    NoRoleAccount(Box<User>),
    /// There is no such grant that is alive.
    #[error("no living grant has the id {0}")]
    UnknownGrant(GrantId),
    /// No living token has this id.
    #[error("no living token has the id {0}")]
    UnknownToken(ApiTokenId),
    /// A token cannot be made or changed like this.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The plugin of the service has no answer.
    #[error("the plugin does not answer")]
    Plugin(#[source] CallFailure),
    /// The database has failed.
    #[error("the database")]
    Storage(#[from] StorageError),
}

/// A rule for roles at the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReservedServiceRule {
    /// Its name has one spelling.
    #[error("the service itself is called vestibule, in small letters")]
    Spelling,
    /// No statement of a provider gives a role there.
    #[error("roles at the service itself are granted to users")]
    UsersAlone,
    /// The roles there are few.
    #[error("the roles there are Reader, Moderator and Administrator")]
    KnownRoles,
}

fn join_users(users: &[User]) -> String {
    users.iter().map(describe_user).collect::<Vec<_>>().join(", ")
}

fn join(numbers: &[OrganizationId]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
