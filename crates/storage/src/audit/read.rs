//! Reading the audit trail.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use vestibule_domain::{AuditName, Timestamp, UserId};

use super::first_id;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::audit_events;
use crate::storage::Storage;

/// Which events to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// Only events of this user.
    pub user: Option<&'a UserId>,
    /// Only events with this name.
    pub name: Option<AuditName>,
    /// Only events from this moment on.
    pub since: Option<Timestamp>,
}

/// An event as it was written, perhaps by another version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct RecordedEvent {
    /// In the order of time.
    pub id: String,
    happened_at: i64,
    /// Its name.
    pub event: String,
    /// A user's id, or `operator`, `service` or `anybody`.
    pub actor: String,
    /// The user that the event is about.
    pub user_id: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// The provider by its name in the settings.
    pub provider: Option<String>,
    /// The address of the client.
    pub ip: Option<String>,
    /// The client's user agent.
    pub user_agent: Option<String>,
    /// The request, for the log.
    pub request_id: Option<String>,
    /// Why it was refused, if it was.
    pub reason: Option<String>,
    details: String,
}

impl RecordedEvent {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.happened_at)
    }

    /// Further details.
    pub fn details(&self) -> Map<String, Value> {
        serde_json::from_str(&self.details).unwrap_or_default()
    }
}

impl Storage {
    /// Lists at most `limit` events in the order of time, after the one with the id `after`.
    pub async fn list_audit_events(
        &self,
        filter: AuditFilter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        let since = filter.since.map_or_else(String::new, first_id);
        // An id is longer than the beginning of one, so `since` itself is never an event's.
        let after = after.map_or(since.as_str(), |after| after.max(since.as_str()));
        let read = operation!(list_audit_events(filter, after, limit = i64::from(limit)), |connection| {
            query!(connection, |c| {
                let mut select = audit_events::table
                    .filter(audit_events::id.gt(after))
                    .order(audit_events::id)
                    .limit(*limit)
                    .select(RecordedEvent::as_select())
                    .into_boxed();
                if let Some(user) = filter.user {
                    select = select.filter(audit_events::user_id.eq(user.as_str()));
                }
                if let Some(name) = filter.name {
                    select = select.filter(audit_events::event.eq(name.as_str()));
                }
                select.load::<RecordedEvent>(c)
            })
        });
        self.db.read(read).await
    }
}
