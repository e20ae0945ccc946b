//! GitHub: OAuth 2.0 without OpenID Connect, and the part of its API that tells who somebody is.

mod api;
mod token;

pub(crate) use api::{emails, organizations, user};
pub(crate) use token::exchange;
