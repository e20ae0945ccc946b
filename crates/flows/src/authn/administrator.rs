//! Who administers the service.

use vestibule_domain::Actor;

/// Who administers the service. Holding one is the proof that they may.
#[derive(Debug, Clone)]
pub struct Administrator(Actor);

impl Administrator {
    /// The operator of the machine, for commands alone: a process that can open the database could change it anyway.
    pub fn operator() -> Self {
        Self(Actor::Operator)
    }

    /// The actor of what the administrator does, for the audit trail.
    pub(crate) fn actor(&self) -> Actor {
        self.0.clone()
    }
}
