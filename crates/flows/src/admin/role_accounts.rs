//! Role accounts and their tokens.

use vestibule_domain::{
    ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, Attributes, AuditName, Description, DisplayName,
    Metadata, RoleAccount, SecureRandom, User, UserId, UserKind, Username,
};
use vestibule_storage::RoleAccountCreation;

use super::administration::Administration;
use super::error::AdminError;
use super::named::NamedUser;
use crate::{MadeToken, RotationRequest, TokenRequest, TokenTerms};

/// How many role accounts a page has.
const PAGE: u32 = 500;

/// What is asked of a new role account.
#[derive(Debug, Clone)]
pub struct RoleAccountRequest {
    /// Its name among all users.
    pub username: Username,
    /// What it is called.
    pub name: Option<DisplayName>,
    /// What it is for.
    pub description: Option<Description>,
    /// What is written beside it.
    pub metadata: Metadata,
    /// Who may act on it beside administrators.
    pub owner: Option<User>,
}

impl Administration<'_> {
    /// Makes a role account.
    pub async fn create_role_account(
        &self,
        randomness: &dyn SecureRandom,
        request: RoleAccountRequest,
    ) -> Result<RoleAccount, AdminError> {
        let now = self.now();
        let RoleAccountRequest { username, name, description, metadata, owner } = request;
        let user = User {
            id: UserId::random(randomness),
            kind: UserKind::Role,
            username: Some(username.clone()),
            name,
            email: None,
            avatar_url: None,
            attributes: Attributes::default(),
            join_date: now,
            disabled_at: None,
        };
        let owner_id = owner.as_ref().map(|owner| owner.id.clone());
        let created_by = self.actor().as_str().to_owned();
        let account =
            RoleAccount { user, owner: owner_id, description, metadata, created_at: now, created_by };
        let event = self.event(AuditName::RoleAccountCreated, now).for_user(&account.user.id);
        match (self.storage().create_role_account(&account, &event).await?, owner) {
            (RoleAccountCreation::UsernameTaken, _) => Err(AdminError::UsernameTaken(username)),
            (RoleAccountCreation::UnknownOwner, Some(owner)) => Err(AdminError::UnfitOwner(Box::new(owner))),
            (RoleAccountCreation::Created | RoleAccountCreation::UnknownOwner, _) => Ok(account),
        }
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
