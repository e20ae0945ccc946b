//! The audit trail: written in the transaction of the change that it tells of, so that neither is there without the other.

mod read;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use vestibule_domain::{AuditEvent, SessionId, Timestamp, UserId};

use crate::UsernameChoice;
use crate::db::{Connection, Operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::audit_events;
use crate::storage::Storage;

pub use read::{AuditFilter, RecordedEvent};

impl Storage {
    /// The same database, whose changes are told of by this event if they change anything.
    #[must_use]
    pub fn telling(&self, event: AuditEvent) -> Self {
        Self { audit: Some(Arc::new(event)), ..self.clone() }
    }

    /// Tells of something that is no change of this database.
    pub async fn record_audit_event(&self, event: &AuditEvent) -> Result<(), StorageError> {
        self.db.write(event.clone(), |connection, event| Box::pin(insert(connection, event))).await?;
        log_audit_event(event);
        Ok(())
    }

    /// Deletes the events before a moment, `batch` at a time, and answers how many there were.
    pub async fn delete_audit_events(&self, before: Timestamp, batch: u32) -> Result<u64, StorageError> {
        let mut all = 0;
        loop {
            match self.delete_some_audit_events(before, i64::from(batch.max(1))).await? {
                0 => return Ok(all),
                deleted => all += deleted as u64,
            }
        }
    }

    async fn delete_some_audit_events(&self, before: Timestamp, batch: i64) -> Result<usize, StorageError> {
        self.db
            .write((before, batch), |connection, &(before, batch)| {
                Box::pin(async move {
                    let inner = diesel::alias!(audit_events as old);
                    let old = inner
                        .select(inner.field(audit_events::id))
                        .filter(inner.field(audit_events::id).lt(first_id(before)))
                        .limit(batch);
                    let delete = diesel::delete(audit_events::table.filter(audit_events::id.eq_any(old)));
                    query!(connection, |c| delete.execute(c))
                })
            })
            .await
    }

    /// One statement that changes something, and what is to be told of it.
    pub(crate) async fn change<A: Send + Sync + 'static, T: Changed>(
        &self,
        arguments: A,
        work: Operation<A, T>,
    ) -> Result<T, StorageError> {
        match &self.audit {
            None => self.db.write(arguments, work).await,
            Some(event) => self.change_and_tell(arguments, work, event).await,
        }
    }

    /// Several statements that change something together, and what is to be told of it.
    pub(crate) async fn change_together<A: Send + Sync + 'static, T: Changed>(
        &self,
        arguments: A,
        work: Operation<A, T>,
    ) -> Result<T, StorageError> {
        match &self.audit {
            None => self.db.transaction(arguments, work).await,
            Some(event) => self.change_and_tell(arguments, work, event).await,
        }
    }

    async fn change_and_tell<A: Send + Sync + 'static, T: Changed>(
        &self,
        arguments: A,
        work: Operation<A, T>,
        event: &Arc<AuditEvent>,
    ) -> Result<T, StorageError> {
        let arguments = (arguments, work, Arc::clone(event));
        let told = self.db.transaction(arguments, |connection, (arguments, work, event)| {
            Box::pin(async move {
                let outcome = work(connection, arguments).await?;
                if outcome.changed() {
                    insert(connection, event).await?;
                }
                Ok(outcome)
            })
        });
        let outcome = told.await?;
        if outcome.changed() {
            log_audit_event(event);
        }
        Ok(outcome)
    }
}

/// What came of an attempt to change something.
pub(crate) trait Changed: Send + 'static {
    /// Whether anything was changed.
    fn changed(&self) -> bool;
}

impl Changed for bool {
    fn changed(&self) -> bool {
        *self
    }
}

/// Signing out everywhere counts also when no session was left: no earlier token is good any more.
impl Changed for u64 {
    fn changed(&self) -> bool {
        true
    }
}

impl Changed for Option<UsernameChoice> {
    fn changed(&self) -> bool {
        *self == Some(UsernameChoice::Chosen)
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
    pub(crate) fn of(event: &'e AuditEvent) -> Self {
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
    let insert = diesel::insert_into(audit_events::table).values(AuditRow::of(event));
    query!(connection, |c| insert.execute(c)).map(drop)
}

/// Forgets from where a user, who is about to be deleted, did what they did.
pub(crate) async fn forget_places(connection: &mut Connection, user: &UserId) -> Result<(), OperationError> {
    let update = diesel::update(audit_events::table.filter(audit_events::user_id.eq(user.as_str())))
        .set((audit_events::ip.eq(None::<String>), audit_events::user_agent.eq(None::<String>)));
    query!(connection, |c| update.execute(c)).map(drop)
}

/// Says an event in the log. For those that are written nowhere else, because whoever causes them is bounded by nothing.
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

/// Two events of one moment need two ids, and nobody gains by guessing one.
fn new_id(at: Timestamp) -> String {
    format!("{}{:016x}", first_id(at), RandomState::new().build_hasher().finish())
}

/// Below every id of this moment or a later one.
fn first_id(at: Timestamp) -> String {
    format!("{:016x}", at.micros().max(0))
}
