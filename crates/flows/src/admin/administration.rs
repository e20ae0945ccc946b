//! What the flows of an administrator work with.

use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, Timestamp};
use vestibule_storage::Storage;

use crate::Administrator;

/// What an administrator can do. Has only what every flow of this area needs; what one of them needs beyond that is its
/// argument.
pub struct Administration<'a> {
    storage: &'a Storage,
    clock: &'a dyn Clock,
    administrator: Administrator,
}

impl<'a> Administration<'a> {
    /// Lets this administrator work on this database.
    pub fn new(storage: &'a Storage, clock: &'a dyn Clock, administrator: Administrator) -> Self {
        Self { storage, clock, administrator }
    }

    pub(super) fn storage(&self) -> &'a Storage {
        self.storage
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who acts.
    pub(super) fn actor(&self) -> Actor {
        self.administrator.actor()
    }

    /// An event of what the administrator does at this moment.
    pub(super) fn event(&self, name: AuditName, now: Timestamp) -> AuditEvent {
        AuditEvent::new(name, self.actor(), now)
    }
}
