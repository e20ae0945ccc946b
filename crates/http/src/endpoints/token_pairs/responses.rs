//! What programs are told of pairs of tokens.

use poem_openapi::Object;
use poem_openapi::types::Example;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use vestibule_flows::TokenPair;

use crate::responses::describe;

/// An access token and the refresh token beside it (RFC 6749 section 5.1).
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct TokenPairAnswer {
    /// The access token.
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// How long the access token lives, in seconds.
    expires_in: u64,
    /// The same, under the name that older programs know.
    expiry: u64,
    /// The refresh token, which is spent by its first use.
    refresh_token: String,
    /// How long it lives if it is not used, in seconds.
    refresh_expires_in: u64,
    /// The services that the access token may be used at, separated by spaces; `*` for all.
    services: String,
    /// The scopes that it lends, separated by spaces.
    scope: String,
}

impl From<&TokenPair> for TokenPairAnswer {
    fn from(pair: &TokenPair) -> Self {
        let expires_in = pair.access_lives.as_secs();
        Self {
            access_token: pair.access.expose_secret().to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in,
            expiry: expires_in,
            refresh_token: pair.refresh.expose_secret().to_owned(),
            refresh_expires_in: pair.refresh_lives.as_secs(),
            services: pair.limits.services.to_string(),
            scope: pair.limits.scopes.to_string(),
        }
    }
}

impl Example for TokenPairAnswer {
    fn example() -> Self {
        Self {
            access_token: "vsta_...".into(),
            token_type: "Bearer".into(),
            expires_in: 3_600,
            expiry: 3_600,
            refresh_token: "vstf_...".into(),
            refresh_expires_in: 2_592_000,
            services: "storage".into(),
            scope: "email openid permissions profile".into(),
        }
    }
}

/// Whether nothing is left to end.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct RevocationAnswer {
    /// Always true.
    pub(super) success: bool,
}

impl Example for RevocationAnswer {
    fn example() -> Self {
        Self { success: true }
    }
}

describe! {
    TokenPairAnswer: "The tokens, which are shown this once.",
    RevocationAnswer: "The token is good for nothing any more.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn pairs_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&TokenPairAnswer::example());
        assert_written_as_documented(&RevocationAnswer::example());
    }
}
