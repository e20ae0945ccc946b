//! Tokens: looking at those of anybody, and ending them.

use vestibule_domain::{ApiToken, ApiTokenId, ApiTokenKind, ClientInfo, SecretDigest, User};
use vestibule_storage::{ApiTokenFilter, ApiTokenPlace};

use super::administration::Administration;
use super::error::AdminError;
use crate::TokenError;
use crate::tokens::ApiTokens;

/// How many tokens a page has.
const PAGE: u32 = 500;
/// How many digests one question names.
const DIGESTS: usize = 500;

impl Administration<'_> {
    /// Lists the living tokens of a user, the latest first.
    pub async fn list_tokens(&self, user: &User) -> Result<Vec<ApiToken>, AdminError> {
        self.list_all_tokens(&ApiTokenFilter { user: Some(user.id.clone()), ..ApiTokenFilter::default() })
            .await
    }

    /// Lists the living tokens of role accounts whose texts this user has seen, because the user made them.
    pub async fn list_role_tokens_made_by(&self, user: &User) -> Result<Vec<ApiToken>, AdminError> {
        let made = ApiTokenFilter {
            kind: Some(ApiTokenKind::Role),
            created_by: Some(user.id.clone()),
            ..ApiTokenFilter::default()
        };
        self.list_all_tokens(&made).await
    }

    async fn list_all_tokens(&self, filter: &ApiTokenFilter) -> Result<Vec<ApiToken>, AdminError> {
        let (now, mut tokens, mut after) = (self.now(), Vec::new(), None);
        loop {
            let page = self.storage().list_api_tokens(filter, after.as_ref(), PAGE, now).await?;
            let Some(last) = page.last() else { return Ok(tokens) };
            after = Some(ApiTokenPlace { created_at: last.created_at, id: last.id.clone() });
            tokens.extend(page);
        }
    }

    /// Finds a living token, which must exist.
    pub async fn find_token(&self, id: &ApiTokenId) -> Result<ApiToken, AdminError> {
        let found = self.storage().find_api_token(id, self.now()).await?;
        found.ok_or_else(|| AdminError::UnknownToken(id.clone()))
    }

    /// Finds the living tokens among texts that were found somewhere.
    pub async fn find_leaked_tokens(&self, digests: &[SecretDigest]) -> Result<Vec<ApiToken>, AdminError> {
        let (now, mut tokens) = (self.now(), Vec::new());
        for some in digests.chunks(DIGESTS) {
            tokens.extend(self.storage().find_api_tokens_by_digest(some, now).await?);
        }
        Ok(tokens)
    }

    /// Ends a token. False if it ended meanwhile.
    pub async fn revoke_token(&self, token: &ApiToken) -> Result<bool, AdminError> {
        match self.api_tokens().revoke(&token.user_id, &token.id).await {
            Ok(()) => Ok(true),
            Err(TokenError::Unknown) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends all tokens of a user, and says how many were alive.
    pub async fn revoke_all_tokens(&self, user: &User) -> Result<u64, AdminError> {
        Ok(self.api_tokens().revoke_all(&user.id).await?)
    }

    /// The tokens in the hands of this administrator.
    pub(super) fn api_tokens(&self) -> ApiTokens<'_> {
        ApiTokens {
            storage: self.storage(),
            actor: self.actor(),
            client: ClientInfo::default(),
            now: self.now(),
            by_administrator: true,
        }
    }
}
