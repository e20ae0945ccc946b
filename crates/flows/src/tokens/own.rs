//! What people do with their own tokens, and administrators with those of others.

use vestibule_domain::{
    Actor, ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, AuditEvent, AuditName, ClientInfo,
    ServiceName, Timestamp, UserId,
};
use vestibule_storage::{ApiTokenFilter, ApiTokenPlace};

use super::api_tokens::ApiTokens;
use super::{MadeToken, RotationRequest, TokenError, TokenRequest, TokenTerms};
use crate::{Authority, Changing, Ending, FlowError, Flows, FreshActing, FullPerson, Principal, View};

impl Flows {
    /// The proof that the person acts in their own browser, and has shown who they are as recently as the operator asks.
    pub fn require_fresh_acting(&self, principal: &Principal) -> Result<FreshActing, FlowError> {
        principal.require_fresh_acting(self.dependencies.clock.now(), self.settings.step_up_age)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.dependencies.clock.now()
    }

    /// Lists the living tokens that somebody may look at, the latest first: at most `limit` behind a place.
    pub async fn list_tokens(
        &self,
        view: &View,
        after: Option<&ApiTokenPlace>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, FlowError> {
        let filter = ApiTokenFilter { user: view.user().cloned(), ..ApiTokenFilter::default() };
        let now = self.dependencies.clock.now();
        Ok(self.dependencies.storage.list_api_tokens(&filter, after, limit, now).await?)
    }

    /// Makes a token for a person who acts in their own browser and has signed in a moment ago.
    pub async fn make_own_token(
        &self,
        acting: &FreshActing,
        request: TokenRequest,
        client: &ClientInfo,
    ) -> Result<MadeToken, FlowError> {
        let user = &acting.person().user().id;
        self.admit_token_creation(user)?;
        let is_service = |name: &ServiceName| self.is_service(name);
        let (terms, tokens) = (self.token_terms(&is_service), self.own_tokens(user, client));
        Ok(tokens.create(&terms, ApiTokenKind::Personal, user, request).await?)
    }

    /// Makes the one successor of a person's token.
    pub async fn rotate_own_token(
        &self,
        acting: &FreshActing,
        id: &ApiTokenId,
        request: RotationRequest,
        client: &ClientInfo,
    ) -> Result<MadeToken, FlowError> {
        let user = &acting.person().user().id;
        self.admit_token_creation(user)?;
        let is_service = |name: &ServiceName| self.is_service(name);
        let terms = self.token_terms(&is_service);
        Ok(self.own_tokens(user, client).rotate(&terms, user, id, request).await?)
    }

    /// Changes a token, which may only lend less and end earlier.
    pub async fn change_token(
        &self,
        authority: &Authority<Changing>,
        id: &ApiTokenId,
        changes: &ApiTokenChanges,
        client: &ClientInfo,
    ) -> Result<ApiToken, FlowError> {
        Ok(self.tokens_of(authority.actor(), client).change(authority.user(), id, changes).await?)
    }

    /// Ends a person's other sessions.
    pub async fn end_other_sessions(
        &self,
        person: &FullPerson,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let (storage, now) = (&self.dependencies.storage, self.dependencies.clock.now());
        let user = &person.user().id;
        for session in storage.list_sessions(user, now).await? {
            if session.id != person.session().id {
                let event = AuditEvent::by_user(AuditName::SessionEnded, user, client, now);
                storage.revoke_session(user, &session.id, now, &event.in_session(&session.id)).await?;
            }
        }
        Ok(())
    }

    /// Ends a token.
    pub async fn revoke_token(
        &self,
        authority: &Authority<Ending>,
        id: &ApiTokenId,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        self.tokens_of(authority.actor(), client).revoke(authority.user(), id).await?;
        self.dependencies.plugins.forget_user(authority.user());
        Ok(())
    }

    /// Ends all tokens of a user.
    pub async fn revoke_all_tokens(
        &self,
        authority: &Authority<Ending>,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        self.tokens_of(authority.actor(), client).revoke_all(authority.user()).await?;
        self.dependencies.plugins.forget_user(authority.user());
        Ok(())
    }

    /// Ends a token whose holder asks for it. One that another request ended a moment ago is over, which is what was asked.
    pub(crate) async fn end_api_token(&self, token: &ApiToken, client: &ClientInfo) -> Result<(), FlowError> {
        let ended = self.own_tokens(&token.user_id, client).revoke(&token.user_id, &token.id).await;
        self.dependencies.plugins.forget_user(&token.user_id);
        match ended {
            Ok(()) | Err(TokenError::Unknown) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn own_tokens(&self, user: &UserId, client: &ClientInfo) -> ApiTokens<'_> {
        self.tokens_of(Actor::User(user.clone()), client)
    }

    /// The tokens in the hands of an actor, who is not the command line.
    pub(crate) fn tokens_of(&self, actor: Actor, client: &ClientInfo) -> ApiTokens<'_> {
        ApiTokens {
            storage: &self.dependencies.storage,
            actor,
            client: client.clone(),
            now: self.dependencies.clock.now(),
            by_administrator: false,
        }
    }

    pub(crate) fn token_terms<'a>(
        &'a self,
        is_service: &'a (dyn Fn(&ServiceName) -> bool + Sync),
    ) -> TokenTerms<'a> {
        TokenTerms {
            rules: &self.settings.token_rules,
            is_service,
            randomness: self.dependencies.randomness.as_ref(),
        }
    }

    /// Whether there is a service or an app of this name.
    pub(crate) fn is_service(&self, name: &ServiceName) -> bool {
        self.dependencies.plugins.offers(name) || self.settings.apps.iter().any(|app| app.name == *name)
    }
}
