//! What people and administrators do with the tokens of role accounts over HTTP.

use vestibule_domain::{
    ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, ClientInfo, ServiceName, UserId,
};
use vestibule_storage::{ApiTokenFilter, ApiTokenPlace};

use super::{RoleAccountAuthority, RoleAccountError};
use crate::authn::{Act, Changing, Ending, Looking, Making};
use crate::tokens::ApiTokens;
use crate::{FlowError, Flows, MadeToken, RotationRequest, TokenError, TokenRequest};

impl Flows {
    /// Lists the living tokens of a role account, the latest first: at most `limit` behind a place.
    pub async fn list_role_tokens(
        &self,
        authority: &RoleAccountAuthority<Looking>,
        after: Option<&ApiTokenPlace>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, FlowError> {
        let account = Some(authority.account().user.id.clone());
        let filter = ApiTokenFilter { user: account, ..ApiTokenFilter::default() };
        let now = self.dependencies.clock.now();
        Ok(self.dependencies.storage.list_api_tokens(&filter, after, limit, now).await?)
    }

    /// Makes a token of a role account.
    pub async fn make_role_token(
        &self,
        authority: &RoleAccountAuthority<Making>,
        request: TokenRequest,
        client: &ClientInfo,
    ) -> Result<MadeToken, FlowError> {
        let account = self.admit_role_token(authority)?;
        let is_service = |name: &ServiceName| self.is_service(name);
        let (terms, tokens) = (self.token_terms(&is_service), self.role_tokens(authority, client));
        match tokens.create(&terms, ApiTokenKind::Role, account, request).await {
            // It was disabled a moment ago.
            Err(TokenError::UserDisabled) => Err(RoleAccountError::Disabled.into()),
            made => Ok(made?),
        }
    }

    /// Makes the one successor of a token of a role account.
    pub async fn rotate_role_token(
        &self,
        authority: &RoleAccountAuthority<Making>,
        id: &ApiTokenId,
        request: RotationRequest,
        client: &ClientInfo,
    ) -> Result<MadeToken, FlowError> {
        let account = self.admit_role_token(authority)?;
        let is_service = |name: &ServiceName| self.is_service(name);
        let terms = self.token_terms(&is_service);
        Ok(self.role_tokens(authority, client).rotate(&terms, account, id, request).await?)
    }

    /// Changes a token of a role account, which may only lend less and end earlier.
    pub async fn change_role_token(
        &self,
        authority: &RoleAccountAuthority<Changing>,
        id: &ApiTokenId,
        changes: &ApiTokenChanges,
        client: &ClientInfo,
    ) -> Result<ApiToken, FlowError> {
        let account = &authority.account().user.id;
        Ok(self.role_tokens(authority, client).change(account, id, changes).await?)
    }

    /// Ends a token of a role account.
    pub async fn revoke_role_token(
        &self,
        authority: &RoleAccountAuthority<Ending>,
        id: &ApiTokenId,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let account = &authority.account().user.id;
        self.role_tokens(authority, client).revoke(account, id).await?;
        self.dependencies.plugins.forget_user(account);
        Ok(())
    }

    /// Ends all tokens of a role account.
    pub async fn revoke_all_role_tokens(
        &self,
        authority: &RoleAccountAuthority<Ending>,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let account = &authority.account().user.id;
        self.role_tokens(authority, client).revoke_all(account).await?;
        self.dependencies.plugins.forget_user(account);
        Ok(())
    }

    /// Whoever makes a token is counted, not the account that it is for.
    fn admit_role_token<'a>(
        &self,
        authority: &'a RoleAccountAuthority<Making>,
    ) -> Result<&'a UserId, FlowError> {
        self.admit_token_creation(&authority.person)?;
        let user = &authority.account().user;
        if user.disabled_at.is_some() { Err(RoleAccountError::Disabled.into()) } else { Ok(&user.id) }
    }

    fn role_tokens<A: Act>(&self, authority: &RoleAccountAuthority<A>, client: &ClientInfo) -> ApiTokens<'_> {
        let by_administrator = authority.by_administrator();
        ApiTokens { by_administrator, ..self.tokens_of(authority.actor(), client) }
    }
}
