//! What an administrator does: users, roles, role accounts, tokens, what providers left behind, and the audit trail.
//!
//! Commands call these flows with the database alone; nothing here needs [`Flows`](crate::Flows). What changes anything is
//! recorded with the administrator as its actor.

mod administration;
mod audit;
mod error;
mod find_user;
mod grants;
mod identities;
mod named;
mod organizations;
mod permissions;
mod providers;
mod role_accounts;
mod role_details;
mod roles;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

pub use administration::Administration;
pub use audit::AuditSelection;
pub use error::{AdminError, ReservedServiceRule};
pub use identities::{IdentityDetails, IdentityStanding};
pub use named::{NamedOrganization, NamedSubject, NamedUser, describe_user};
pub use permissions::ExplainedPermissions;
pub use providers::{Leftovers, require_configured_provider};
pub use role_details::RoleDetails;
pub use roles::{GrantedRole, RoleRequest};
pub use users::UserDetails;
