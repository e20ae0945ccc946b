//! What people and administrators do with role accounts over HTTP.

use vestibule_domain::{AdministratorRole, ClientInfo, RoleAccount, Username};
use vestibule_storage::RoleAccountChanges;

use super::{RoleAccountAuthority, RoleAccountMaker, RoleAccountRequest, RoleAccounts};
use crate::authn::{Act, Making, Pausing};
use crate::{FlowError, Flows, View};

impl Flows {
    /// Lists the role accounts that somebody may look at, by their usernames: at most `limit` behind one.
    pub async fn list_role_accounts(
        &self,
        view: &View,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<RoleAccount>, FlowError> {
        Ok(self.dependencies.storage.list_role_accounts(view.user(), after, limit).await?)
    }

    /// Makes a role account. Its owner is the one of the proof.
    pub async fn make_role_account(
        &self,
        maker: &RoleAccountMaker,
        request: RoleAccountRequest,
        client: &ClientInfo,
    ) -> Result<RoleAccount, FlowError> {
        self.admit_token_creation(&maker.maker)?;
        let accounts = RoleAccounts {
            storage: &self.dependencies.storage,
            actor: maker.actor.clone(),
            client: client.clone(),
            now: self.dependencies.clock.now(),
        };
        let request = RoleAccountRequest { owner: Some(maker.owner.clone()), ..request };
        Ok(accounts.create(self.dependencies.randomness.as_ref(), request).await?)
    }

    /// Changes a role account, all at once. Whose it is, an administrator alone decides: nobody becomes the owner of what another has
    /// the tokens of. What was disabled, perhaps by a moderator, its owner does not enable.
    pub async fn change_role_account(
        &self,
        authority: &RoleAccountAuthority<Making>,
        changes: &RoleAccountChanges,
        client: &ClientInfo,
    ) -> Result<RoleAccount, FlowError> {
        if changes.owner.is_some() {
            authority.require_role(AdministratorRole::Administrator)?;
        }
        self.write_changes(authority, changes, client).await
    }

    /// Disables or enables a role account. Its owner may disable it.
    pub async fn switch_role_account(
        &self,
        authority: &RoleAccountAuthority<Pausing>,
        disabled: bool,
        client: &ClientInfo,
    ) -> Result<RoleAccount, FlowError> {
        let changes = RoleAccountChanges { disabled: Some(disabled), ..RoleAccountChanges::default() };
        self.write_changes(authority, &changes, client).await
    }

    async fn write_changes<A: Act>(
        &self,
        authority: &RoleAccountAuthority<A>,
        changes: &RoleAccountChanges,
        client: &ClientInfo,
    ) -> Result<RoleAccount, FlowError> {
        let is_disabled = authority.account().user.disabled_at.is_some();
        if changes.disabled == Some(false) && is_disabled {
            authority.require_role(AdministratorRole::Moderator)?;
        }
        let accounts = RoleAccounts {
            storage: &self.dependencies.storage,
            actor: authority.actor(),
            client: client.clone(),
            now: self.dependencies.clock.now(),
        };
        let account = &authority.account().user.id;
        let outcome = accounts.change(account, changes).await?;
        self.dependencies.plugins.forget_user(account);
        Ok(outcome)
    }
}
