//! The audit trail: each event is written in the transaction of its change, so that neither exists without the other.
//!
//! A method of [`Storage`] that changes what the trail records takes the event as an argument and hands it to
//! `write_audited`, which alone makes a write of both.

mod read;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use vestibule_domain::{AuditEvent, SessionId, Timestamp, UserId};

use crate::db::{Connection, Operation, operation, query};
use crate::error::{OperationError, StorageError};
use crate::random::random_number;
use crate::schema::audit_events;
use crate::storage::Storage;

pub use read::{AuditFilter, RecordedEvent};

impl Storage {
    /// Records an event that is not a change of this database.
    pub async fn record_audit_event(&self, event: &AuditEvent) -> Result<(), StorageError> {
        let write = operation!(record_audit_event(event = event.clone()), |connection| {
            insert(connection, event).await
        });
        self.db.write(write).await?;
        log_audit_event(event);
        Ok(())
    }

    /// Deletes the events before a moment, `batch` at a time, and answers how many there were.
    pub async fn delete_audit_events(&self, before: Timestamp, batch: u32) -> Result<u64, StorageError> {
        let mut all = 0;
        loop {
            match self.delete_audit_events_batch(before, i64::from(batch.max(1))).await? {
                0 => return Ok(all),
                deleted => all += deleted as u64,
            }
        }
    }

    async fn delete_audit_events_batch(&self, before: Timestamp, batch: i64) -> Result<usize, StorageError> {
        let write = operation!(delete_audit_events_batch(before, batch), |connection| {
            let inner = diesel::alias!(audit_events as old);
            let old = inner
                .select(inner.field(audit_events::id))
                .filter(inner.field(audit_events::id).lt(first_id(*before)))
                .limit(*batch);
            let delete = diesel::delete(audit_events::table.filter(audit_events::id.eq_any(old)));
            query!(connection, |c| delete.execute(c))
        });
        self.db.write(write).await
    }

    /// Runs a write that the audit trail records: `event` is written in the transaction of the change, if there was one.
    pub(crate) async fn write_audited<A, T>(
        &self,
        event: &AuditEvent,
        operation: Operation<A, T>,
    ) -> Result<T, StorageError>
    where
        A: Send + Sync + 'static,
        T: Changed,
    {
        let outcome = self.db.transaction(with_audit(operation, event.clone())).await?;
        if outcome.changed() {
            log_audit_event(event);
        }
        Ok(outcome)
    }
}

/// The operation, and behind it the event if the operation changed anything.
fn with_audit<A, T>(
    operation: Operation<A, T>,
    event: AuditEvent,
) -> Operation<(Operation<A, T>, AuditEvent), T>
where
    A: Send + Sync + 'static,
    T: Changed,
{
    Operation {
        name: operation.name,
        arguments: (operation, event),
        run: |connection, (operation, event)| {
            Box::pin(async move {
                let outcome = (operation.run)(connection, &operation.arguments).await?;
                if outcome.changed() {
                    insert(connection, event).await?;
                }
                Ok(outcome)
            })
        },
    }
}

/// The outcome of a write that may change nothing.
pub(crate) trait Changed: Send + 'static {
    /// Whether anything was changed.
    fn changed(&self) -> bool;
}

impl Changed for bool {
    fn changed(&self) -> bool {
        *self
    }
}

/// Signing out everywhere is a change also when no session was left: no earlier token is valid any more.
impl Changed for u64 {
    fn changed(&self) -> bool {
        true
    }
}

/// An event as it is written.
#[derive(Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
pub(crate) struct AuditRow<'e> {
    id: String,
    happened_at: i64,
    event: &'static str,
    actor: &'e str,
    user_id: Option<&'e str>,
    session_id: Option<&'e str>,
    provider: Option<&'e str>,
    ip: Option<&'e str>,
    user_agent: Option<&'e str>,
    request_id: Option<&'e str>,
    reason: Option<&'static str>,
    details: String,
}

impl<'e> AuditRow<'e> {
    pub(crate) fn new(event: &'e AuditEvent) -> Self {
        Self {
            id: new_id(event.at),
            happened_at: event.at.micros(),
            event: event.name.as_str(),
            actor: event.actor.as_str(),
            user_id: event.user.as_ref().map(UserId::as_str),
            session_id: event.session.as_ref().map(SessionId::as_str),
            provider: event.provider.as_deref(),
            ip: event.client.ip.as_deref(),
            user_agent: event.client.user_agent.as_deref(),
            request_id: event.client.request_id.as_deref(),
            reason: event.reason,
            details: Value::from(event.details.clone()).to_string(),
        }
    }
}

/// Writes an event.
pub(crate) async fn insert(connection: &mut Connection, event: &AuditEvent) -> Result<(), OperationError> {
    let insert = diesel::insert_into(audit_events::table).values(AuditRow::new(event));
    query!(connection, |c| insert.execute(c)).map(drop)
}

/// Removes addresses and user agents from the events of a user who is about to be deleted.
pub(crate) async fn remove_client_data(
    connection: &mut Connection,
    user: &UserId,
) -> Result<(), OperationError> {
    let update = diesel::update(audit_events::table.filter(audit_events::user_id.eq(user.as_str())))
        .set((audit_events::ip.eq(None::<String>), audit_events::user_agent.eq(None::<String>)));
    query!(connection, |c| update.execute(c)).map(drop)
}

/// Writes an event to the log. For events that are not in the database as well, because clients may cause any number of them.
pub fn log_audit_event(event: &AuditEvent) {
    let details = (!event.details.is_empty()).then(|| Value::from(event.details.clone()).to_string());
    tracing::info!(
        target: "vestibule::audit",
        event = event.name.as_str(),
        actor = event.actor.as_str(),
        user = event.user.as_ref().map(UserId::as_str),
        session = event.session.as_ref().map(SessionId::as_str),
        provider = event.provider,
        ip = event.client.ip,
        user_agent = event.client.user_agent,
        request_id = event.client.request_id,
        outcome = if event.reason.is_some() { "refused" } else { "ok" },
        reason = event.reason,
        details,
        "{}", event.name
    );
}

/// Two events of one moment need two ids. They need not be secret.
fn new_id(at: Timestamp) -> String {
    format!("{}{:016x}", first_id(at), random_number())
}

/// Below every id of this moment or a later one.
fn first_id(at: Timestamp) -> String {
    format!("{:016x}", at.micros().max(0))
}
