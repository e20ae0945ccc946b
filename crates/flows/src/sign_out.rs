//! The end of a session, or of all of a person's.

use std::pin::pin;

use vestibule_domain::{AuditEvent, AuditName, ClientInfo};
use vestibule_plugin_host::Hook;
use vestibule_storage::within_one_limit;

use crate::{FlowError, Flows};

impl Flows {
    /// Ends the session of the token; with `everywhere`, all sessions of its user. A token that is already dead has
    /// nothing to end, which is a success. The sessions are dead in the database before the extensions hear of it.
    pub async fn sign_out(
        &self,
        token: Option<&str>,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        within_one_limit(pin!(self.end_sessions(token, everywhere, client))).await
    }

    async fn end_sessions(
        &self,
        token: Option<&str>,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let Some(principal) = self.authenticate(token).await? else { return Ok(()) };
        let now = self.parts.clock.now();
        let (user, session) = (principal.user(), principal.session());
        let name = if everywhere { AuditName::AllSessionsEnded } else { AuditName::SessionEnded };
        let event = AuditEvent::of_user(name, &user.id, client, now).in_session(&session.id);
        let storage = self.parts.storage.telling(event);
        if everywhere {
            storage.revoke_all_sessions(&user.id, now).await?;
        } else if !storage.revoke_session(&session.id, now).await? {
            // A sign-out at the same moment was first; the extensions hear of it once.
            return Ok(());
        }
        self.parts.observer.signed_out(everywhere);
        self.parts.plugins.forget_user(&user.id);
        let outcome = self.parts.plugins.run_hook(Hook::UserLogout, user.clone(), &session.provider_id).await;
        self.keep_changes(outcome).await.map(drop)
    }
}
