//! Role accounts and their tokens.

use vestibule_domain::{
    ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, ClientInfo, RoleAccount, SecureRandom, Username,
};

use super::administration::Administration;
use super::error::AdminError;
use super::named::NamedUser;
use crate::role_accounts::RoleAccounts;
use crate::{MadeToken, RoleAccountRequest, RotationRequest, TokenRequest, TokenTerms};

/// How many role accounts a page has.
const PAGE: u32 = 500;

impl Administration<'_> {
    /// Makes a role account, for an owner if one is named.
    pub async fn create_role_account(
        &self,
        randomness: &dyn SecureRandom,
        request: RoleAccountRequest,
    ) -> Result<RoleAccount, AdminError> {
        let accounts = RoleAccounts {
            storage: self.storage(),
            actor: self.actor(),
            client: ClientInfo::default(),
            now: self.now(),
        };
        Ok(accounts.create(randomness, request).await?)
    }

    /// Lists the role accounts in the order of their usernames.
    pub async fn list_role_accounts(&self) -> Result<Vec<RoleAccount>, AdminError> {
        let (mut accounts, mut after): (Vec<RoleAccount>, Option<Username>) = (Vec::new(), None);
        loop {
            let page = self.storage().list_role_accounts(None, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(accounts) };
            after.clone_from(&last.user.username);
            accounts.extend(page);
        }
    }

    /// Finds the role account that is named, which must exist.
    pub async fn find_role_account(&self, named: &NamedUser) -> Result<RoleAccount, AdminError> {
        let user = self.find_user(named).await?;
        let found = self.storage().find_role_account(&user.id).await?;
        found.ok_or_else(|| AdminError::NoRoleAccount(Box::new(user)))
    }

    /// Makes a token of a role account.
    pub async fn create_role_token(
        &self,
        terms: &TokenTerms<'_>,
        account: &RoleAccount,
        request: TokenRequest,
    ) -> Result<MadeToken, AdminError> {
        Ok(self.api_tokens().create(terms, ApiTokenKind::Role, &account.user.id, request).await?)
    }

    /// Finds a living token of a role account, which must exist. It is named by its id alone.
    pub async fn find_role_token(&self, id: &ApiTokenId) -> Result<ApiToken, AdminError> {
        let found = self.find_token(id).await?;
        if found.kind == ApiTokenKind::Role { Ok(found) } else { Err(AdminError::UnknownToken(id.clone())) }
    }

    /// Changes a token, which may only lend less and end earlier.
    pub async fn change_role_token(
        &self,
        id: &ApiTokenId,
        changes: &ApiTokenChanges,
    ) -> Result<ApiToken, AdminError> {
        let token = self.find_role_token(id).await?;
        Ok(self.api_tokens().change(&token.user_id, id, changes).await?)
    }

    /// Makes the successor of a token.
    pub async fn rotate_role_token(
        &self,
        terms: &TokenTerms<'_>,
        id: &ApiTokenId,
        request: RotationRequest,
    ) -> Result<MadeToken, AdminError> {
        let token = self.find_role_token(id).await?;
        Ok(self.api_tokens().rotate(terms, &token.user_id, id, request).await?)
    }
}
