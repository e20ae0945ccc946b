//! The end of a session, or of all of a person's.

use vestibule_plugin_host::Hook;

use crate::{FlowError, Flows};

impl Flows {
    /// Ends the session of the token; with `everywhere`, all sessions of its user. A token that is already dead has
    /// nothing to end, which is a success. The sessions are dead in the database before the extensions hear of it.
    pub async fn sign_out(&self, token: Option<&str>, everywhere: bool) -> Result<(), FlowError> {
        let Some(principal) = self.authenticate(token).await? else { return Ok(()) };
        let now = self.parts.clock.now();
        let (user, session) = (principal.user(), principal.session());
        if everywhere {
            self.parts.storage.revoke_all_sessions(&user.id, now).await?;
        } else if !self.parts.storage.revoke_session(&session.id, now).await? {
            // A sign-out at the same moment was first; the extensions hear of it once.
            return Ok(());
        }
        tracing::info!(user = %user.id, everywhere, "signed out");
        self.parts.plugins.forget_user(&user.id);
        let outcome = self.parts.plugins.run_hook(Hook::UserLogout, user.clone(), &session.provider_id).await;
        if outcome.changed {
            self.keep_changes(&outcome.user).await?;
        }
        Ok(())
    }
}
