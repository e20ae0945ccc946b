//! An access token and the refresh token beside it, while their texts are known.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use vestibule_domain::{LentLimits, SecureRandom, Timestamp};
use vestibule_storage::{AccessToken, NewPair};
use vestibule_tokens::{OpaqueKind, OpaqueSecret, OpaqueText};

use super::GrantRules;
use crate::FlowError;

/// An access token and the refresh token beside it, for the program that asked.
#[derive(Debug)]
pub struct TokenPair {
    /// The access token.
    pub access: SecretString,
    /// How long it lives.
    pub access_lives: Duration,
    /// The refresh token, which is spent by its first use.
    pub refresh: SecretString,
    /// How long it lives if it is not used.
    pub refresh_lives: Duration,
    /// What the access token lends, and where.
    pub limits: LentLimits,
}

/// An access token that was made a moment ago.
pub(super) struct MadeAccess {
    pub(super) secret: OpaqueSecret,
    pub(super) token: AccessToken,
}

impl MadeAccess {
    /// `grant_end` is when its grant ends.
    pub(super) fn new(
        limits: LentLimits,
        rules: &GrantRules,
        grant_end: Timestamp,
        now: Timestamp,
        randomness: &dyn SecureRandom,
    ) -> Self {
        let secret = OpaqueSecret::generate(OpaqueKind::AccessToken, randomness);
        let expires_at = rules.access_end(now, grant_end);
        Self { token: AccessToken { digest: secret.digest(), limits, created_at: now, expires_at }, secret }
    }
}

/// A pair that was made a moment ago.
pub(super) struct MadePair {
    access: MadeAccess,
    refresh: OpaqueSecret,
    refresh_expires_at: Timestamp,
}

impl MadePair {
    /// `grant_end` is when its grant ends.
    pub(super) fn new(
        limits: LentLimits,
        rules: &GrantRules,
        grant_end: Timestamp,
        now: Timestamp,
        randomness: &dyn SecureRandom,
    ) -> Self {
        Self {
            access: MadeAccess::new(limits, rules, grant_end, now, randomness),
            refresh: OpaqueSecret::generate(OpaqueKind::RefreshToken, randomness),
            refresh_expires_at: rules.refresh_end(now, grant_end),
        }
    }

    /// What of it is stored.
    pub(super) fn stored(&self) -> NewPair {
        NewPair {
            access: self.access.token.clone(),
            refresh: self.refresh.digest(),
            refresh_expires_at: self.refresh_expires_at,
        }
    }

    /// What of it is given to whoever presents the same refresh token again.
    pub(super) fn seal(
        &self,
        presented: OpaqueText<'_>,
        randomness: &dyn SecureRandom,
    ) -> Result<String, FlowError> {
        let [access, refresh] = [&self.access.secret, &self.refresh].map(|made| made.text().expose_secret());
        let answer = SecretString::from(format!("{access} {refresh} {}", self.refresh_expires_at.micros()));
        let sealed = presented.seal_answer(answer.expose_secret().as_bytes(), randomness);
        sealed.map_err(|error| FlowError::Internal(error.to_string()))
    }

    pub(super) fn into_answer(self, now: Timestamp) -> TokenPair {
        TokenPair {
            access_lives: self.access.token.expires_at.since(now),
            access: self.access.secret.text().clone(),
            refresh: self.refresh.text().clone(),
            refresh_lives: self.refresh_expires_at.since(now),
            limits: self.access.token.limits,
        }
    }
}

/// The pair that a refresh token was answered by before.
pub(super) struct GivenPair {
    pub(super) access: SecretString,
    pub(super) refresh: SecretString,
    pub(super) refresh_expires_at: Timestamp,
}

impl GivenPair {
    /// Opens what [`MadePair::seal`] has sealed for this refresh token.
    pub(super) fn open(presented: OpaqueText<'_>, sealed: &str) -> Option<Self> {
        let answer = presented.open_answer(sealed)?;
        let mut words = std::str::from_utf8(&answer).ok()?.split(' ');
        let (access, refresh, end) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            access: SecretString::from(access),
            refresh: SecretString::from(refresh),
            refresh_expires_at: Timestamp::from_micros(end.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::SystemRandom;

    use super::*;
    use crate::testing::at;

    #[test]
    fn h5_the_same_answer_is_given_by_the_presented_token_alone() {
        let refresh = || OpaqueSecret::generate(OpaqueKind::RefreshToken, &SystemRandom);
        let (presented, other) = (refresh(), refresh());
        let [presented, other] =
            [&presented, &other].map(|secret| OpaqueText::parse(secret.text().expose_secret()).unwrap());
        let made =
            MadePair::new(LentLimits::default(), &GrantRules::default(), at(9_000), at(0), &SystemRandom);
        let sealed = made.seal(presented, &SystemRandom).unwrap();
        let stored = made.stored();
        let answer = made.into_answer(at(0));
        let again = GivenPair::open(presented, &sealed).unwrap();
        assert_eq!(again.access.expose_secret(), answer.access.expose_secret());
        assert_eq!(again.refresh.expose_secret(), answer.refresh.expose_secret());
        assert_eq!(again.refresh_expires_at, stored.refresh_expires_at);
        assert!(GivenPair::open(other, &sealed).is_none());
        assert_eq!(format!("{answer:?}").matches("REDACTED").count(), 2);
    }
}
