//! The beginning of a grant.

use vestibule_domain::{
    ApiTokenKind, AuditEvent, AuditName, ClientInfo, Grant, GrantId, LentLimits, Scope, Scopes, Services,
    Session, Timestamp, User,
};
use vestibule_storage::NewGrant;

use super::pair::MadePair;
use super::{GrantRequest, TokenPair};
use crate::authn::InvalidCredential;
use crate::tokens::check_judging;
use crate::{FlowError, Flows, FreshActing, FullPerson, Principal, TokenError};

/// Who lends. Made by [`Flows::require_lender`] alone.
#[derive(Debug, Clone)]
pub enum Lender {
    /// A person in their own browser, who has shown a moment ago who they are. What they lend may outlive every session.
    Browser(FreshActing),
    /// Whoever holds a user token, which travels in addresses. What they lend ends with its session.
    UserToken(FullPerson),
}

impl Lender {
    fn person(&self) -> &FullPerson {
        match self {
            Self::Browser(acting) => acting.person(),
            Self::UserToken(person) => person,
        }
    }

    fn user(&self) -> &User {
        self.person().user()
    }

    fn session(&self) -> &Session {
        self.person().session()
    }
}

impl Flows {
    /// The proof that a whole person lends: with the cookie of their browser, after a sign-in as recent as the operator asks, or with a
    /// user token.
    pub fn require_lender(&self, principal: &Principal) -> Result<Lender, FlowError> {
        if principal.as_acting().is_some() {
            return self.require_fresh_acting(principal).map(Lender::Browser);
        }
        principal.require_full_person().map(Lender::UserToken)
    }

    /// Makes a grant with its first tokens.
    pub async fn create_grant(
        &self,
        lender: &Lender,
        request: GrantRequest,
        client: &ClientInfo,
    ) -> Result<TokenPair, FlowError> {
        let limits = self.lent_limits(lender, &request)?;
        self.admit_token_creation(&lender.user().id)?;
        let now = self.dependencies.clock.now();
        let grant = self.new_grant(lender, request, limits, client, now);
        let (rules, randomness) = (&self.settings.grant_rules, self.dependencies.randomness.as_ref());
        let pair = MadePair::new(grant.limits.clone(), rules, grant.expires_at, now, randomness);
        let event = AuditEvent::by_user(AuditName::GrantCreated, &grant.user_id, client, now)
            .in_session(&lender.session().id)
            .with_detail("grant", grant.id.as_str())
            .with_detail("client_name", grant.client_name.as_str());
        let made_in = lender.session().id.clone();
        let new = NewGrant { grant, made_in, pair: pair.stored() };
        if self.dependencies.storage.create_grant(new, &event).await? {
            Ok(pair.into_answer(now))
        } else {
            Err(FlowError::Unauthenticated(Some(InvalidCredential::SessionEnded)))
        }
    }

    fn new_grant(
        &self,
        lender: &Lender,
        request: GrantRequest,
        limits: LentLimits,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Grant {
        let (session, longest) =
            (lender.session(), now.plus(self.settings.grant_rules.refresh_token_max_age));
        let (session_id, expires_at) = match lender {
            Lender::Browser(_) => (None, longest),
            Lender::UserToken(_) => (Some(session.id.clone()), longest.min(session.expires_at)),
        };
        Grant {
            id: GrantId::random(self.dependencies.randomness.as_ref()),
            user_id: lender.user().id.clone(),
            session_id,
            client_name: request.client_name,
            limits,
            provider_id: session.provider_id.clone(),
            auth_time: session.auth_time,
            created_at: now,
            last_used_at: now,
            expires_at,
            user_agent: client.user_agent.clone(),
            ip: client.ip.clone(),
        }
    }

    /// What is lent: all that was asked for, or nothing of it.
    fn lent_limits(&self, lender: &Lender, request: &GrantRequest) -> Result<LentLimits, FlowError> {
        let services = match (lender, request.services.clone()) {
            (Lender::Browser(_), services) => services.unwrap_or(Services::Every),
            (Lender::UserToken(_), Some(named @ Services::Named(_))) if !named.words().is_empty() => named,
            (Lender::UserToken(_), _) => return Err(TokenError::NamesNoService.into()),
        };
        let services = services.known_by(|name| self.is_service(name)).map_err(TokenError::from)?;
        let limits = LentLimits { services, scopes: request.scopes.clone().unwrap_or_else(whole) };
        check_judging(ApiTokenKind::Personal, &limits, false)?;
        Ok(limits)
    }
}

/// Who the person is, and all that they may do.
fn whole() -> Scopes {
    let words = [Scope::OPENID, Scope::PROFILE, Scope::EMAIL, Scope::PERMISSIONS];
    Scopes::from_words(words).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_grant_tells_who_the_person_is_and_lends_all_that_they_may_do() {
        assert_eq!(whole().to_string(), "email openid permissions profile");
    }
}
