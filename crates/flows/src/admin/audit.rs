//! The audit trail as an administrator reads it.

use std::time::Duration;

use vestibule_domain::{AuditName, Timestamp, UserId};
use vestibule_storage::{AuditFilter, RecordedEvent};

use super::administration::Administration;
use super::error::AdminError;
use super::named::NamedUser;

/// How many events a page has.
const PAGE: u32 = 500;

/// Which events to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSelection {
    user: Option<UserId>,
    name: Option<AuditName>,
    since: Option<Timestamp>,
}

impl Administration<'_> {
    /// Selects the events of a user, who may be deleted, of a name, and of a last period; all events without any of these.
    pub async fn select_audit_events(
        &self,
        user: Option<&NamedUser>,
        name: Option<AuditName>,
        period: Option<Duration>,
    ) -> Result<AuditSelection, AdminError> {
        let user = match user {
            Some(named) => Some(self.find_user_id(named).await?),
            None => None,
        };
        Ok(AuditSelection { user, name, since: period.map(|period| self.now().minus(period)) })
    }

    /// Lists the events behind the one with the id `after`, in the order of time, a page at a time. The page after the last is
    /// empty.
    pub async fn list_audit_events(
        &self,
        selection: &AuditSelection,
        after: Option<&str>,
    ) -> Result<Vec<RecordedEvent>, AdminError> {
        let AuditSelection { user, name, since } = selection;
        let filter = AuditFilter { user: user.as_ref(), name: *name, since: *since };
        Ok(self.storage().list_audit_events(filter, after, PAGE).await?)
    }
}
