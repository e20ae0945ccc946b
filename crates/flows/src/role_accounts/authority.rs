//! Who makes role accounts, and who may act on one: its owner, and whoever administers the service.

use std::marker::PhantomData;

use vestibule_domain::{Actor, AdministratorRole, RoleAccount, UserId};

use super::RoleAccountMakers;
use crate::authn::{Act, Making};
use crate::{FlowError, Flows, Principal};

/// The proof that somebody may make a role account for an owner. Made by [`Flows::require_role_account_maker`] alone.
#[derive(Debug, Clone)]
pub struct RoleAccountMaker {
    pub(super) actor: Actor,
    /// Who makes it, whose haste is counted.
    pub(super) maker: UserId,
    pub(super) owner: UserId,
}

/// The proof that somebody may do this to a role account. Made by [`Flows::require_role_account`] alone.
#[derive(Debug, Clone)]
pub struct RoleAccountAuthority<A> {
    account: RoleAccount,
    /// Who acts.
    pub(super) person: UserId,
    role: Option<AdministratorRole>,
    act: PhantomData<A>,
}

impl<A: Act> RoleAccountAuthority<A> {
    /// The role account, as it was a moment ago.
    pub fn account(&self) -> &RoleAccount {
        &self.account
    }

    /// Who acts, for the audit trail.
    pub(super) fn actor(&self) -> Actor {
        Actor::User(self.person.clone())
    }

    /// Whether it is an administrator with everything, the owner or not.
    pub(super) fn by_administrator(&self) -> bool {
        self.role == Some(AdministratorRole::Administrator)
    }

    /// That who acts has this role at the service itself, the owner or not.
    pub(super) fn require_role(&self, least: AdministratorRole) -> Result<(), FlowError> {
        if self.role >= Some(least) { Ok(()) } else { Err(FlowError::RoleRequired(least)) }
    }
}

impl Flows {
    /// The proof that somebody may make a role account, which is their own or, by an administrator, that of the person who is named.
    pub async fn require_role_account_maker(
        &self,
        principal: &Principal,
        owner: Option<UserId>,
    ) -> Result<RoleAccountMaker, FlowError> {
        let maker = self.require_fresh_acting(principal)?.person().user().id.clone();
        if owner.is_some() || self.settings.role_accounts == RoleAccountMakers::Admins {
            self.require_administrator::<Making>(principal).await?;
        }
        let owner = match owner {
            Some(owner) => self.require_user(owner).await?,
            None => maker.clone(),
        };
        Ok(RoleAccountMaker { actor: Actor::User(maker.clone()), maker, owner })
    }

    /// The proof that somebody may do this to a role account. To whoever is neither its owner nor an administrator it is not there.
    pub async fn require_role_account<A: Act>(
        &self,
        principal: &Principal,
        id: &UserId,
    ) -> Result<RoleAccountAuthority<A>, FlowError> {
        let person = principal.require_full_person()?.user().id.clone();
        if A::MAKES {
            self.require_fresh_acting(principal)?;
        }
        let storage = &self.dependencies.storage;
        // A role acts by the browser alone.
        let role = match principal.as_acting() {
            Some(_) => storage.find_administrator_role(&person).await?,
            None => None,
        };
        let found = storage.find_role_account(id).await?;
        let is_own = found.as_ref().is_some_and(|account| account.owner.as_ref() == Some(&person));
        match found {
            Some(account) if is_own => Ok(RoleAccountAuthority { account, person, role, act: PhantomData }),
            Some(account) if role >= Some(A::ROLE) => {
                if A::ROLE > AdministratorRole::Reader {
                    self.require_fresh_acting(principal)?;
                }
                Ok(RoleAccountAuthority { account, person, role, act: PhantomData })
            }
            Some(_) if role.is_some() => Err(FlowError::RoleRequired(A::ROLE)),
            _ => Err(FlowError::NotFound("role account")),
        }
    }
}
