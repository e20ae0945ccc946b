//! Credentials that lend a part of what their owner may do: how they are named and limited.

mod limits;
mod metadata;
mod name;
mod permissions;
mod token;

pub use limits::{LentLimits, NarrowingError};
pub use metadata::{Metadata, MetadataError};
pub use name::{TokenName, TokenNameError};
pub use permissions::lent_permissions;
pub use token::{ApiToken, ApiTokenChanges, ApiTokenKind};
