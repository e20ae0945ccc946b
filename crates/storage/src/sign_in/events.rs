//! What the audit trail tells of a sign-in.

use vestibule_domain::{Actor, AuditEvent, AuditName, UserId};

use crate::sign_in::request::SignIn;

/// What it took until a session could begin.
pub(super) fn of_arrival(sign_in: &SignIn, user: &UserId, name: AuditName) -> AuditEvent {
    let event = AuditEvent::of_user(name, user, &sign_in.client, sign_in.now);
    event.in_session(&sign_in.session_id).at_provider(sign_in.profile.provider.as_str())
}

/// The provider has said who it is, and the operator does not want them.
pub(super) fn of_refusal(sign_in: &SignIn, user: &UserId) -> AuditEvent {
    let event = AuditEvent::new(AuditName::SignInRefused, Actor::User(user.clone()), sign_in.now);
    let event = event.about(user).from(&sign_in.client).at_provider(sign_in.profile.provider.as_str());
    event.refused("account_disabled")
}
