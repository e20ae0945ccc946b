//! Who may look at what belongs to a user, and who may act on it: the user, and whoever administers the service.

use std::marker::PhantomData;

use vestibule_domain::{Actor, UserId};

use super::{Act, Looking};
use crate::{FlowError, Flows, Principal};

/// Whose things a request lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of whoever asks.
    Own,
    /// Those of this user, for an administrator.
    User(UserId),
    /// Those of everybody, for an administrator.
    Everybody,
}

/// The proof that somebody may look at what belongs to a user, or to everybody. Made by [`Flows::require_view`] alone.
#[derive(Debug, Clone)]
pub struct View(Option<UserId>);

impl View {
    /// Whose things they are; `None`: everybody's.
    pub fn user(&self) -> Option<&UserId> {
        self.0.as_ref()
    }
}

/// The proof that somebody may do this to what belongs to a user. Made by [`Flows::require_authority`] alone.
#[derive(Debug, Clone)]
pub struct Authority<A> {
    user: UserId,
    actor: Actor,
    act: PhantomData<A>,
}

impl<A: Act> Authority<A> {
    fn new(user: UserId, actor: Actor) -> Self {
        Self { user, actor, act: PhantomData }
    }

    /// Whose things they are.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Who acts, for the audit trail.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

impl Flows {
    /// The proof that somebody may look at what they ask for: a whole person at what is their own, an administrator at everything.
    pub async fn require_view(&self, principal: &Principal, whose: Whose) -> Result<View, FlowError> {
        match whose {
            Whose::Own => Ok(View(Some(principal.require_full_person()?.user().id.clone()))),
            Whose::User(user) => {
                self.require_administrator::<Looking>(principal).await?;
                Ok(View(Some(self.require_user(user).await?)))
            }
            Whose::Everybody => {
                self.require_administrator::<Looking>(principal).await?;
                Ok(View(None))
            }
        }
    }

    /// The proof that somebody may do this to what belongs to a user: a whole person to what is their own, where `user` names nobody,
    /// and an administrator whose role allows it to what is this user's.
    pub async fn require_authority<A: Act>(
        &self,
        principal: &Principal,
        user: Option<UserId>,
    ) -> Result<Authority<A>, FlowError> {
        let Some(user) = user else {
            let own = principal.require_full_person()?.user().id.clone();
            return Ok(Authority::new(own.clone(), Actor::User(own)));
        };
        let administrator = self.require_administrator::<A>(principal).await?;
        Ok(Authority::new(self.require_user(user).await?, administrator.actor()))
    }

    /// The user, who has to exist.
    pub(crate) async fn require_user(&self, user: UserId) -> Result<UserId, FlowError> {
        match self.dependencies.storage.find_user(&user).await? {
            Some(_) => Ok(user),
            None => Err(FlowError::NotFound("user")),
        }
    }
}
