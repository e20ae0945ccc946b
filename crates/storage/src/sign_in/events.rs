//! The events of a sign-in in the audit trail.

use vestibule_domain::{Actor, AuditEvent, AuditName, Session, UserId};

use crate::sign_in::request::SignIn;

/// A step of a sign-in that succeeded.
pub(super) fn success(sign_in: &SignIn, session: &Session, name: AuditName) -> AuditEvent {
    let event = AuditEvent::by_user(name, &session.user_id, &sign_in.client, sign_in.now);
    event.in_session(&session.id).at_provider(sign_in.profile.provider.as_str())
}

/// The user is known, and disabled.
pub(super) fn refusal(sign_in: &SignIn, user: &UserId) -> AuditEvent {
    let event = AuditEvent::new(AuditName::SignInRefused, Actor::User(user.clone()), sign_in.now);
    let event =
        event.for_user(user).from_client(&sign_in.client).at_provider(sign_in.profile.provider.as_str());
    event.refused("account_disabled")
}
