//! What is done with grants by the person who lent them, or by an administrator.

use vestibule_domain::{AuditEvent, AuditName, ClientInfo, Grant, GrantId};
use vestibule_storage::{GrantPage, GrantPlace, Narrowed, RevocationReason};

use super::GrantNarrowing;
use crate::{Authority, Changing, Ending, FlowError, Flows, TokenError, View};

impl Flows {
    /// Lists the living grants that somebody may look at, the latest first: at most `limit` behind a place.
    pub async fn list_grants(
        &self,
        view: &View,
        after: Option<&GrantPlace>,
        limit: u32,
    ) -> Result<GrantPage, FlowError> {
        let now = self.dependencies.clock.now();
        Ok(self.dependencies.storage.list_grants(view.user(), after, limit, now).await?)
    }

    /// Lets a grant lend less. Its access tokens lend less at once.
    pub async fn narrow_grant(
        &self,
        authority: &Authority<Changing>,
        grant: &GrantId,
        narrowing: GrantNarrowing,
        client: &ClientInfo,
    ) -> Result<Grant, FlowError> {
        let (user, now) = (authority.user(), self.dependencies.clock.now());
        let event = AuditEvent::new(AuditName::GrantChanged, authority.actor(), now)
            .for_user(user)
            .from_client(client)
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

    /// Ends a grant, with every token of it.
    pub async fn revoke_grant(
        &self,
        authority: &Authority<Ending>,
        grant: &GrantId,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let of = (authority.user(), grant);
        if self.end_grant(of, (authority.actor(), RevocationReason::Revoked), client).await? {
            Ok(())
        } else {
            Err(FlowError::NotFound("grant"))
        }
    }

    /// What is asked for, if it names services that there are.
    pub(super) fn known_narrowing(&self, asked: GrantNarrowing) -> Result<GrantNarrowing, FlowError> {
        let services = asked.services.map(|names| names.known_by(|name| self.is_service(name))).transpose();
        Ok(GrantNarrowing { services: services.map_err(TokenError::from)?, ..asked })
    }
}
