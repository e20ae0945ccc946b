//! Roles that the operator assigns.

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock as _, RoleAssignment, RoleAssignmentId, RoleName, RoleSubject,
    ServiceName, SystemRandom, UserId,
};
use vestibule_storage::AuditFilter;

use super::TestApp;
use crate::clients::{ApiClient as _, Browser};

impl TestApp {
    /// The id of the person who is signed in in a browser.
    pub(crate) async fn id_of(&self, browser: &Browser<'_>) -> UserId {
        let session = browser.get("/auth/session").await.json();
        UserId::parse(session["uid"].as_str().unwrap()).unwrap()
    }

    /// A browser in which this persona is signed in, who has a role at the service itself.
    pub(crate) async fn administrator(&self, persona: &str, role: &str) -> Browser<'_> {
        let browser = self.own_browser(persona).await;
        self.grant_role(&assignment(role, RoleSubject::User(self.id_of(&browser).await), Some("vestibule")))
            .await;
        browser
    }

    /// Assigns a role, also one that no command would assign.
    pub(crate) async fn grant_role(&self, assignment: &RoleAssignment) {
        let (id, now) = (RoleAssignmentId::random(&SystemRandom), self.clock.now());
        let event = AuditEvent::new(AuditName::RoleGranted, Actor::Operator, now);
        assert!(self.storage.grant_role(assignment, &id, now, &event).await.unwrap());
    }

    /// Takes a role away.
    pub(crate) async fn revoke_role(&self, assignment: &RoleAssignment) {
        let event = AuditEvent::new(AuditName::RoleRevoked, Actor::Operator, self.clock.now());
        assert!(self.storage.revoke_role(assignment, &event).await.unwrap());
    }

    /// What the audit trail says that an actor did to a user, by the names of the events, sorted.
    pub(crate) async fn acts_of(&self, actor: &UserId, user: &UserId) -> Vec<String> {
        let filter = AuditFilter { user: Some(user), name: None, since: None };
        let events = self.storage.list_audit_events(filter, None, 100).await.unwrap().into_iter();
        let mut names: Vec<_> =
            events.filter(|event| event.actor == actor.as_str()).map(|event| event.event).collect();
        names.sort();
        names
    }
}

/// A role of a subject, at a service or at every one.
pub(crate) fn assignment(role: &str, subject: RoleSubject, service: Option<&str>) -> RoleAssignment {
    RoleAssignment {
        role: RoleName::parse(role).unwrap(),
        subject,
        service: service.map(|name| ServiceName::parse(name).unwrap()),
        provider: None,
    }
}
