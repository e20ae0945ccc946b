//! What a service tells of itself in the audit trail.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, with_causes};
use vestibule_storage::{Storage, log_audit_event};

/// How long the last word of a service may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Trail {
    storage: Storage,
    clock: Arc<dyn Clock>,
}

impl Trail {
    pub(super) fn new(storage: &Storage, clock: &Arc<dyn Clock>) -> Self {
        Self { storage: storage.clone(), clock: Arc::clone(clock) }
    }

    /// Writes an event that the service or the operator causes. The log has it also when the database does not take it.
    pub(super) async fn tell(
        &self,
        name: AuditName,
        actor: Actor,
        finish: impl FnOnce(AuditEvent) -> AuditEvent,
    ) {
        let event = finish(AuditEvent::new(name, actor, self.clock.now()));
        let error = match timeout(PATIENCE, self.storage.record_audit_event(&event)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(_) => "no answer in time".to_owned(),
        };
        log_audit_event(&event);
        tracing::warn!(error, "an event is in the log and not in the audit trail");
    }
}
