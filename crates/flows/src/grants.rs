//! Grants: what a person lends to a program of their own, as an access token and the refresh token beside it.
//!
//! How long a refresh token goes on being good for something, and which of two holders may go on, is decided in the storage, in one
//! transaction; here is who may lend what, and what the answers are made of.

mod issue;
mod own;
mod pair;
mod refresh;
mod request;
mod revoke;

pub use issue::Lender;
pub use pair::TokenPair;
pub use request::{GrantNarrowing, GrantRequest, GrantRules};
pub use revoke::CurrentToken;
