//! What is asked of a grant, and the rules that it is held against.

use std::time::Duration;

use vestibule_domain::{Scopes, Services, Timestamp, TokenName};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long access tokens, refresh tokens and grants live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantRules {
    /// An access token.
    pub access_token_ttl: Duration,
    /// A refresh token that is not used.
    pub refresh_token_idle: Duration,
    /// A grant, however often it is refreshed.
    pub refresh_token_max_age: Duration,
    /// For how long the same answer is given to a refresh token that comes again.
    pub refresh_token_grace: Duration,
}

impl Default for GrantRules {
    fn default() -> Self {
        Self {
            access_token_ttl: Duration::from_secs(60 * 60),
            refresh_token_idle: DAY * 30,
            refresh_token_max_age: DAY * 365,
            refresh_token_grace: Duration::from_secs(60),
        }
    }
}

impl GrantRules {
    /// When an access token ends that is made now: never later than its grant.
    pub(super) fn access_end(&self, now: Timestamp, grant: Timestamp) -> Timestamp {
        now.plus(self.access_token_ttl).min(grant)
    }

    /// When a refresh token ends that is made now and not used: never later than its grant.
    pub(super) fn refresh_end(&self, now: Timestamp, grant: Timestamp) -> Timestamp {
        now.plus(self.refresh_token_idle).min(grant)
    }
}

/// What is asked of a new grant.
#[derive(Debug, Clone)]
pub struct GrantRequest {
    /// What the program is called.
    pub client_name: TokenName,
    /// Where its tokens may be used. `None`: everywhere, if the lender may say so.
    pub services: Option<Services>,
    /// What they lend. `None`: who the person is, and all that they may do.
    pub scopes: Option<Scopes>,
}

/// A part of what a grant lends; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct GrantNarrowing {
    /// Fewer services.
    pub services: Option<Services>,
    /// Fewer scopes.
    pub scopes: Option<Scopes>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn nothing_outlives_its_grant() {
        let rules = GrantRules {
            access_token_ttl: Duration::from_secs(10),
            refresh_token_idle: Duration::from_secs(100),
            ..GrantRules::default()
        };
        assert_eq!((rules.access_end(at(0), at(500)), rules.refresh_end(at(0), at(500))), (at(10), at(100)));
        assert_eq!((rules.access_end(at(0), at(5)), rules.refresh_end(at(0), at(50))), (at(5), at(50)));
    }
}
