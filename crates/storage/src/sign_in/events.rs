//! What the audit trail tells of a sign-in.

use vestibule_domain::{Actor, AuditEvent, AuditName, UserId};

use super::SignIn;

/// The session that began, and before it what it took for that.
pub(super) fn of_success(sign_in: &SignIn, user: &UserId, is_new: bool, joined: bool) -> Vec<AuditEvent> {
    let event = |name| {
        let event = AuditEvent::of_user(name, user, &sign_in.client, sign_in.now);
        event.in_session(&sign_in.session_id).at_provider(sign_in.profile.provider.as_str())
    };
    let before = [is_new.then_some(AuditName::UserCreated), joined.then_some(AuditName::IdentityLinked)];
    before.into_iter().flatten().chain([AuditName::SignInSucceeded]).map(event).collect()
}

/// The provider has said who it is, and the operator does not want them.
pub(super) fn of_refusal(sign_in: &SignIn, user: Option<String>) -> Vec<AuditEvent> {
    let Some(user) = user.and_then(|id| UserId::try_from(id).ok()) else { return Vec::new() };
    let event = AuditEvent::new(AuditName::SignInRefused, Actor::User(user.clone()), sign_in.now);
    let event = event.about(&user).from(&sign_in.client).at_provider(sign_in.profile.provider.as_str());
    vec![event.refused("account_disabled")]
}
