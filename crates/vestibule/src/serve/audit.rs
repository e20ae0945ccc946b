//! Events in the audit trail that the service itself or its operator causes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, error_chain};
use vestibule_storage::{Storage, log_audit_event};

/// How long the last event of a service may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Writes events to the audit trail. Cheap to clone.
#[derive(Clone)]
pub(super) struct AuditTrail {
    storage: Storage,
    clock: Arc<dyn Clock>,
}

impl AuditTrail {
    pub(super) fn new(storage: &Storage, clock: &Arc<dyn Clock>) -> Self {
        Self { storage: storage.clone(), clock: Arc::clone(clock) }
    }

    /// Writes an event. If the database does not take it, the log has it all the same.
    pub(super) async fn record(
        &self,
        name: AuditName,
        actor: Actor,
        finish: impl FnOnce(AuditEvent) -> AuditEvent,
    ) {
        let event = finish(AuditEvent::new(name, actor, self.clock.now()));
        let error = match timeout(TIMEOUT, self.storage.record_audit_event(&event)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error_chain(&error),
            Err(_) => "no answer in time".to_owned(),
        };
        log_audit_event(&event);
        tracing::warn!(error, "an event is in the log but not in the audit trail");
    }
}
