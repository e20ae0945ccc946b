//! What is done with tokens, by whoever it is.

use vestibule_domain::{
    Actor, ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, AuditEvent, AuditName, ClientInfo, Timestamp,
    UserId,
};
use vestibule_storage::{NewApiToken, NewSuccessor, Storage, TokenChange, TokenCreation, TokenRotation};
use vestibule_tokens::{OpaqueKind, OpaqueSecret};

use super::request::{check_judging, check_services, most};
use super::{MadeToken, RotationRequest, TokenError, TokenRequest, TokenTerms};

/// The tokens of the database in the hands of an actor who may do what is asked.
pub(crate) struct ApiTokens<'a> {
    pub(crate) storage: &'a Storage,
    /// Who acts.
    pub(crate) actor: Actor,
    /// By what request, if by one.
    pub(crate) client: ClientInfo,
    pub(crate) now: Timestamp,
    /// Whether it is an administrator, who may let a role account judge the tokens of others.
    pub(crate) by_administrator: bool,
}

impl ApiTokens<'_> {
    /// Makes a token for a user.
    pub(crate) async fn create(
        &self,
        terms: &TokenTerms<'_>,
        kind: ApiTokenKind,
        user: &UserId,
        request: TokenRequest,
    ) -> Result<MadeToken, TokenError> {
        let TokenRequest { name, mut limits, metadata, life } = request;
        check_judging(kind, &limits, self.by_administrator)?;
        limits.services = check_services(limits.services, terms)?;
        let secret = OpaqueSecret::generate(opaque_kind(kind), terms.randomness);
        let token = ApiToken {
            id: ApiTokenId::random(terms.randomness),
            kind,
            user_id: user.clone(),
            name,
            limits,
            metadata,
            hint: secret.hint(),
            created_at: self.now,
            created_by: self.actor.as_str().to_owned(),
            expires_at: terms.rules.end(kind, life, self.now)?,
            last_used_at: None,
            last_used_ip: None,
        };
        let event = self.event(AuditName::TokenCreated, user, &token.id);
        let new = NewApiToken { digest: secret.digest(), token, most: most(kind) };
        match self.storage.create_api_token(&new, &event).await? {
            TokenCreation::Created => Ok(MadeToken { token: new.token, text: secret.text().clone() }),
            TokenCreation::LimitReached => Err(TokenError::LimitReached(new.most)),
            TokenCreation::UnknownUser => Err(TokenError::UserDisabled),
        }
    }

    /// Changes a token, which may only lend less and end earlier.
    pub(crate) async fn change(
        &self,
        user: &UserId,
        id: &ApiTokenId,
        changes: &ApiTokenChanges,
    ) -> Result<ApiToken, TokenError> {
        let event = self.event(AuditName::TokenChanged, user, id);
        match self.storage.change_api_token(user, id, changes, self.now, &event).await? {
            TokenChange::Changed(token) => Ok(*token),
            TokenChange::Refused(refused) => Err(refused.into()),
            TokenChange::Unknown => Err(TokenError::Unknown),
        }
    }

    /// Makes the one successor of a token.
    pub(crate) async fn rotate(
        &self,
        terms: &TokenTerms<'_>,
        user: &UserId,
        id: &ApiTokenId,
        request: RotationRequest,
    ) -> Result<MadeToken, TokenError> {
        request.check()?;
        let before = self.find(user, id).await?;
        // What judges others goes on in the hands of those who may give it alone.
        check_judging(before.kind, &before.limits, self.by_administrator)?;
        let life = request.life.unwrap_or_else(|| terms.rules.same_life(&before));
        let secret = OpaqueSecret::generate(opaque_kind(before.kind), terms.randomness);
        let new = NewSuccessor {
            id: ApiTokenId::random(terms.randomness),
            digest: secret.digest(),
            hint: secret.hint(),
            created_by: self.actor.as_str().to_owned(),
            created_at: self.now,
            expires_at: terms.rules.end(before.kind, life, self.now)?,
            predecessor_ends_at: self.now.plus(request.overlap),
            // The tokens that still count beside their successors have as much room again.
            most: 2 * most(before.kind),
        };
        let event = self.event(AuditName::TokenRotated, user, id).with_detail("successor", new.id.as_str());
        match self.storage.rotate_api_token(user, id, &new, &event).await? {
            TokenRotation::Rotated(token) => Ok(MadeToken { token: *token, text: secret.text().clone() }),
            TokenRotation::AlreadyRotated => Err(TokenError::AlreadyRotated),
            TokenRotation::LimitReached => Err(TokenError::LimitReached(new.most)),
            TokenRotation::Unknown => Err(TokenError::Unknown),
        }
    }

    /// The token of this user, also one whose time is over: it may have been replaced, which is another answer.
    async fn find(&self, user: &UserId, id: &ApiTokenId) -> Result<ApiToken, TokenError> {
        let found = self.storage.find_api_token(id, Timestamp::from_micros(0)).await?;
        found.filter(|token| token.user_id == *user).ok_or(TokenError::Unknown)
    }

    /// Ends a token.
    pub(crate) async fn revoke(&self, user: &UserId, id: &ApiTokenId) -> Result<(), TokenError> {
        let event = self.event(AuditName::TokenRevoked, user, id);
        let is_revoked = self.storage.revoke_api_token(user, id, self.now, &event).await?;
        if is_revoked { Ok(()) } else { Err(TokenError::Unknown) }
    }

    /// Ends all tokens of a user, and says how many were alive.
    pub(crate) async fn revoke_all(&self, user: &UserId) -> Result<u64, TokenError> {
        let event = self.user_event(AuditName::TokenRevoked, user).with_detail("which", "all");
        Ok(self.storage.revoke_all_api_tokens(user, self.now, &event).await?)
    }

    fn event(&self, name: AuditName, user: &UserId, token: &ApiTokenId) -> AuditEvent {
        self.user_event(name, user).with_detail("token", token.as_str())
    }

    fn user_event(&self, name: AuditName, user: &UserId) -> AuditEvent {
        AuditEvent::new(name, self.actor.clone(), self.now).for_user(user).from_client(&self.client)
    }
}

fn opaque_kind(kind: ApiTokenKind) -> OpaqueKind {
    match kind {
        ApiTokenKind::Personal => OpaqueKind::PersonalToken,
        ApiTokenKind::Role => OpaqueKind::RoleToken,
    }
}
