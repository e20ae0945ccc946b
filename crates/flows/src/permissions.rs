//! What a principal may do at a service.

mod decide;
mod token_cache;

pub use decide::{PermissionDecision, PermissionGrant};

pub(crate) use token_cache::TokenCache;
