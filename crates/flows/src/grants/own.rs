//! What a person does with their own grants.

use vestibule_domain::{AuditEvent, AuditName, ClientInfo, Grant, GrantId};
use vestibule_storage::{Narrowed, RevocationReason};

use super::GrantNarrowing;
use crate::{FlowError, Flows, FullPerson, TokenError};

impl Flows {
    /// Lists the living grants of a person, the one used last first.
    pub async fn list_own_grants(&self, person: &FullPerson) -> Result<Vec<Grant>, FlowError> {
        let now = self.dependencies.clock.now();
        Ok(self.dependencies.storage.list_grants(&person.user().id, now).await?)
    }

    /// Lets a person's grant lend less. Its access tokens lend less at once.
    pub async fn narrow_own_grant(
        &self,
        person: &FullPerson,
        grant: &GrantId,
        narrowing: GrantNarrowing,
        client: &ClientInfo,
    ) -> Result<Grant, FlowError> {
        let (user, now) = (&person.user().id, self.dependencies.clock.now());
        let event = AuditEvent::by_user(AuditName::GrantChanged, user, client, now)
            .with_detail("grant", grant.as_str());
        let asked = self.known_narrowing(narrowing)?;
        let storage = &self.dependencies.storage;
        match storage.narrow_grant((user, grant), (asked.services, asked.scopes), now, &event).await? {
            Narrowed::Done(grant) => {
                self.dependencies.plugins.forget_user(user);
                Ok(*grant)
            }
            Narrowed::Wider(wider) => Err(TokenError::from(wider).into()),
            Narrowed::NotFound => Err(FlowError::NotFound("grant")),
        }
    }

    /// What is asked for, if it names services that there are.
    pub(super) fn known_narrowing(&self, asked: GrantNarrowing) -> Result<GrantNarrowing, FlowError> {
        let services = asked.services.map(|names| names.known_by(|name| self.is_service(name))).transpose();
        Ok(GrantNarrowing { services: services.map_err(TokenError::from)?, ..asked })
    }

    /// Ends a person's grant, with every token of it.
    pub async fn revoke_own_grant(
        &self,
        person: &FullPerson,
        grant: &GrantId,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let of = (&person.user().id, grant);
        if self.end_grant(of, RevocationReason::Revoked, client).await? {
            Ok(())
        } else {
            Err(FlowError::NotFound("grant"))
        }
    }
}
