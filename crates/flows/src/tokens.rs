//! Tokens that people make for their programs, and those of role accounts: making, narrowing, replacing and ending them.
//!
//! Whoever acts has proved beforehand that the token or its role account is theirs to act on.

mod api_tokens;
mod error;
mod own;
mod request;

pub use error::TokenError;
pub use request::{MadeToken, RotationRequest, TokenLife, TokenRequest, TokenRules, TokenTerms};

pub(crate) use api_tokens::ApiTokens;
pub(crate) use request::check_judging;
