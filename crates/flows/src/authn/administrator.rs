//! Who administers the service, and who may act on what belongs to a user.

mod act;
mod authority;

use vestibule_domain::{Actor, AdministratorRole};

use super::Principal;
use crate::{FlowError, Flows, FullPerson};

pub use act::{Act, Changing, Ending, Looking, Making, Pausing};
pub use authority::{Authority, View, Whose};

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

impl Flows {
    /// The proof that a person administers the service in their own browser, with a role that allows such an act. Whatever changes
    /// anything takes a fresh sign-in.
    ///
    /// INVARIANT: the role is read from the database at each request, so one that was taken away counts nowhere any more.
    pub async fn require_administrator<A: Act>(
        &self,
        principal: &Principal,
    ) -> Result<Administrator, FlowError> {
        let person = self.administering_person::<A>(principal)?;
        let user = &person.user().id;
        let role = self.dependencies.storage.find_administrator_role(user).await?;
        if role.is_some_and(|role| role >= A::ROLE) {
            Ok(Administrator(Actor::User(user.clone())))
        } else {
            Err(FlowError::RoleRequired(A::ROLE))
        }
    }

    fn administering_person<A: Act>(&self, principal: &Principal) -> Result<FullPerson, FlowError> {
        if A::ROLE == AdministratorRole::Reader {
            let acting = principal.as_acting().ok_or(FlowError::WrongCredential)?;
            Ok(acting.person().clone())
        } else {
            Ok(self.require_fresh_acting(principal)?.person().clone())
        }
    }
}
