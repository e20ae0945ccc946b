//! Users: looking at them, ending their sessions, disabling, enabling and deleting them.

use vestibule_domain::{AuditName, Session, User, UserId, UserKind};

use super::administration::Administration;
use super::error::AdminError;
use super::identities::IdentityDetails;

/// How many users a page has.
const PAGE: u32 = 500;

/// What is known of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct UserDetails {
    /// The identities, the last used first.
    pub identities: Vec<IdentityDetails>,
    /// The sessions that are alive, the latest first.
    pub sessions: Vec<Session>,
}

impl Administration<'_> {
    /// Lists the users behind the one with the id `after`, ordered by id, a page at a time. The page after the last is empty.
    pub async fn list_users(&self, after: Option<&UserId>) -> Result<Vec<User>, AdminError> {
        Ok(self.storage().list_users(after, PAGE).await?)
    }

    /// Reads what is known of a user.
    pub async fn read_user_details(&self, user: &User) -> Result<UserDetails, AdminError> {
        let identities = self.list_identities(user).await?;
        let sessions = self.storage().list_sessions(&user.id, self.now()).await?;
        Ok(UserDetails { identities, sessions })
    }

    /// Ends all sessions of a user, and says how many there were. Recorded even if there was none: earlier tokens count no more.
    pub async fn sign_out_user(&self, user: &User) -> Result<u64, AdminError> {
        let now = self.now();
        let event = self.event(AuditName::AllSessionsEnded, now).for_user(&user.id);
        Ok(self.storage().revoke_all_sessions(&user.id, now, &event).await?)
    }

    /// Ends all sessions of all users, and says of how many users.
    pub async fn sign_out_everybody(&self) -> Result<u64, AdminError> {
        let now = self.now();
        let event = self.event(AuditName::AllSessionsEnded, now).with_detail("whose", "everybody");
        // Recorded first, because the change takes more than one transaction and may be interrupted.
        self.storage().record_audit_event(&event).await?;
        Ok(self.storage().revoke_everything(now).await?)
    }

    /// Disables a user. A person's sessions and tokens end; the tokens of a role account count again when it is enabled. False if the
    /// user was disabled before.
    pub async fn disable_user(&self, user: &User) -> Result<bool, AdminError> {
        let now = self.now();
        let name = match user.kind {
            UserKind::Person => AuditName::UserDisabled,
            UserKind::Role => AuditName::RoleAccountDisabled,
        };
        let event = self.event(name, now).for_user(&user.id);
        Ok(self.storage().disable_user(&user.id, now, &event).await?)
    }

    /// Enables a disabled user. False if the user was not disabled.
    pub async fn enable_user(&self, user: &User) -> Result<bool, AdminError> {
        let name = match user.kind {
            UserKind::Person => AuditName::UserEnabled,
            UserKind::Role => AuditName::RoleAccountEnabled,
        };
        let event = self.event(name, self.now()).for_user(&user.id);
        Ok(self.storage().enable_user(&user.id, &event).await?)
    }

    /// Deletes a user with identities, sessions, tokens and assigned roles. False if the user is gone.
    pub async fn delete_user(&self, user: &User) -> Result<bool, AdminError> {
        let event = self.event(AuditName::UserDeleted, self.now()).for_user(&user.id);
        Ok(self.storage().delete_user(&user.id, &event).await?)
    }
}
