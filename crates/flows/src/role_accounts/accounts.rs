//! What is done with role accounts, by whoever it is.

use vestibule_domain::{
    Actor, Attributes, AuditEvent, AuditName, ClientInfo, RoleAccount, SecureRandom, Timestamp, User, UserId,
    UserKind,
};
use vestibule_storage::{RoleAccountChange, RoleAccountChanges, RoleAccountCreation, Storage};

use super::{MOST_OF_AN_OWNER, RoleAccountError, RoleAccountRequest};

/// The role accounts of the database in the hands of an actor who may do what is asked.
pub(crate) struct RoleAccounts<'a> {
    pub(crate) storage: &'a Storage,
    /// Who acts.
    pub(crate) actor: Actor,
    /// By what request, if by one.
    pub(crate) client: ClientInfo,
    pub(crate) now: Timestamp,
}

impl RoleAccounts<'_> {
    /// Makes a role account.
    pub(crate) async fn create(
        &self,
        randomness: &dyn SecureRandom,
        request: RoleAccountRequest,
    ) -> Result<RoleAccount, RoleAccountError> {
        let RoleAccountRequest { username, name, description, metadata, owner } = request;
        let user = User {
            id: UserId::random(randomness),
            kind: UserKind::Role,
            username: Some(username.clone()),
            name,
            email: None,
            avatar_url: None,
            attributes: Attributes::default(),
            join_date: self.now,
            disabled_at: None,
        };
        let created_by = self.actor.as_str().to_owned();
        let account = RoleAccount { user, owner, description, metadata, created_at: self.now, created_by };
        let event = self.event(AuditName::RoleAccountCreated, &account.user.id);
        let event = match &account.owner {
            Some(owner) => event.with_detail("owner", owner.as_str()),
            None => event,
        };
        match self.storage.create_role_account(&account, MOST_OF_AN_OWNER, &event).await? {
            RoleAccountCreation::Created => Ok(account),
            RoleAccountCreation::UsernameTaken => Err(RoleAccountError::UsernameTaken(username)),
            RoleAccountCreation::UnknownOwner => Err(RoleAccountError::UnfitOwner),
            RoleAccountCreation::LimitReached => Err(RoleAccountError::LimitReached(MOST_OF_AN_OWNER)),
        }
    }

    /// Changes a role account: all that is asked for, or nothing.
    pub(crate) async fn change(
        &self,
        account: &UserId,
        changes: &RoleAccountChanges,
    ) -> Result<RoleAccount, RoleAccountError> {
        let event = self.event(AuditName::RoleAccountChanged, account);
        let event = match &changes.owner {
            Some(owner) => event.with_detail("owner", owner.as_ref().map(UserId::as_str)),
            None => event,
        };
        let most = MOST_OF_AN_OWNER;
        match self.storage.change_role_account(account, changes, most, &event).await? {
            RoleAccountChange::Changed => {
                self.storage.find_role_account(account).await?.ok_or(RoleAccountError::Unknown)
            }
            RoleAccountChange::UnknownOwner => Err(RoleAccountError::UnfitOwner),
            RoleAccountChange::LimitReached => Err(RoleAccountError::LimitReached(most)),
            RoleAccountChange::Unknown => Err(RoleAccountError::Unknown),
        }
    }

    fn event(&self, name: AuditName, account: &UserId) -> AuditEvent {
        AuditEvent::new(name, self.actor.clone(), self.now).for_user(account).from_client(&self.client)
    }
}
