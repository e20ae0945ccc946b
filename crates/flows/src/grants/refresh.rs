//! The next pair of a grant.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use vestibule_domain::{AuditEvent, AuditName, ClientInfo, LentLimits, SecretDigest, Timestamp};
use vestibule_storage::{AccessToken, FoundRefreshToken, Refresh, Refreshed};
use vestibule_tokens::{OpaqueError, OpaqueKind, OpaqueText};

use super::pair::{GivenPair, MadeAccess, MadePair};
use super::{GrantNarrowing, TokenPair};
use crate::authn::InvalidCredential;
use crate::{FlowError, Flows, TokenError};

/// How often a refresh is tried again when others change the grant at the same time.
const TRIES: u32 = 3;

impl Flows {
    /// Spends a refresh token: the next pair, or the same as a moment ago. With a narrowing the access token lends less; the grant lends
    /// what it did.
    pub async fn refresh_grant(
        &self,
        presented: &str,
        narrowing: GrantNarrowing,
        (address, client): (Option<IpAddr>, &ClientInfo),
    ) -> Result<TokenPair, FlowError> {
        let presented = self.read_refresh_token(presented)?;
        self.admit_unknown_token(address)?;
        let now = self.dependencies.clock.now();
        let found = self.dependencies.storage.find_refresh_token(&presented.digest(), now).await?;
        let found = found.ok_or_else(|| self.refused(InvalidCredential::UnknownToken))?;
        self.forgive_unknown_token(address);
        self.admit_refresh(&found.live.user.id)?;
        let GrantNarrowing { services, scopes } = self.known_narrowing(narrowing)?;
        let limits = found.live.grant.limits.narrowed_to(services, scopes).map_err(TokenError::from)?;
        for _ in 0..TRIES {
            if let Some(pair) = self.try_refresh(presented, &found, &limits, client, now).await? {
                return Ok(pair);
            }
        }
        // Each time another request has changed the grant in between. Nothing of this one is done, and it may come again.
        Err(FlowError::Busy)
    }

    /// A text that has the form of a refresh token.
    fn read_refresh_token<'a>(&self, text: &'a str) -> Result<OpaqueText<'a>, FlowError> {
        match OpaqueText::parse(text) {
            Ok(text) if text.kind() == OpaqueKind::RefreshToken => Ok(text),
            Ok(_) => Err(self.refused(InvalidCredential::OtherKind)),
            Err(OpaqueError::Damaged) => Err(self.refused(InvalidCredential::Damaged)),
            Err(OpaqueError::Foreign) => Err(self.refused(InvalidCredential::UnknownToken)),
        }
    }

    pub(super) fn refused(&self, invalid: InvalidCredential) -> FlowError {
        FlowError::Unauthenticated(Some(self.note(invalid)))
    }

    /// `None` when another request was first, so that it has to be judged anew.
    async fn try_refresh(
        &self,
        presented: OpaqueText<'_>,
        found: &FoundRefreshToken,
        limits: &LentLimits,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<Option<TokenPair>, FlowError> {
        let (grant, user) = (&found.live.grant, &found.live.user.id);
        let (rules, randomness) = (&self.settings.grant_rules, self.dependencies.randomness.as_ref());
        let pair = MadePair::new(limits.clone(), rules, grant.expires_at, now, randomness);
        let refresh = Refresh {
            presented: found.digest,
            grant: grant.id.clone(),
            generation: found.generation,
            pair: pair.stored(),
            sealed: pair.seal(presented, randomness)?,
            grace: rules.refresh_token_grace,
            now,
        };
        let reuse = AuditEvent::by_user(AuditName::TokenReuseDetected, user, client, now)
            .with_detail("grant", grant.id.as_str());
        match self.dependencies.storage.refresh_grant(refresh, &reuse).await? {
            Refreshed::Stored => Ok(Some(pair.into_answer(now))),
            Refreshed::Again { sealed, successor, access } => {
                let Some(given) = GivenPair::open(presented, &sealed) else {
                    return Err(FlowError::Internal("an answer to a refresh token does not open".to_owned()));
                };
                self.give_again(given, (successor, &access), (limits, grant.expires_at), now).await
            }
            Refreshed::Superseded => Err(self.refused(InvalidCredential::Superseded)),
            Refreshed::Reused => {
                self.dependencies.plugins.forget_user(user);
                Err(self.refused(InvalidCredential::Reused))
            }
            Refreshed::Invalid => Err(self.refused(InvalidCredential::UnknownToken)),
        }
    }

    /// The answer of a moment ago, with another access token if its own is not what is asked for. `None` when it is not good any more.
    async fn give_again(
        &self,
        given: GivenPair,
        (successor, access): (SecretDigest, &[AccessToken]),
        (limits, grant_end): (&LentLimits, Timestamp),
        now: Timestamp,
    ) -> Result<Option<TokenPair>, FlowError> {
        let refresh_lives = given.refresh_expires_at.since(now);
        let answer = |access, access_lives| TokenPair {
            access,
            access_lives,
            refresh: given.refresh.clone(),
            refresh_lives,
            limits: limits.clone(),
        };
        let digest = OpaqueText::parse(given.access.expose_secret()).ok().map(OpaqueText::digest);
        let same = access.iter().find(|token| Some(token.digest) == digest);
        if let Some(token) = same.filter(|token| token.limits == *limits && is_young(token, now)) {
            return Ok(Some(answer(given.access.clone(), token.expires_at.since(now))));
        }
        let (rules, randomness) = (&self.settings.grant_rules, self.dependencies.randomness.as_ref());
        let made = MadeAccess::new(limits.clone(), rules, grant_end, now, randomness);
        let lives = made.token.expires_at.since(now);
        let is_added = self.dependencies.storage.add_access_token(made.token, &successor, now).await?;
        Ok(is_added.then(|| answer(made.secret.text().clone(), lives)))
    }
}

/// Whether half of its life is ahead.
fn is_young(token: &AccessToken, now: Timestamp) -> bool {
    let life: Duration = token.expires_at.since(token.created_at);
    token.expires_at.since(now) * 2 >= life
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn an_access_token_is_given_again_while_half_of_its_life_is_ahead() {
        let digest = SecretDigest::new([0; 32]);
        let token =
            AccessToken { digest, limits: LentLimits::default(), created_at: at(0), expires_at: at(100) };
        assert!(is_young(&token, at(0)) && is_young(&token, at(50)) && !is_young(&token, at(51)));
    }
}
