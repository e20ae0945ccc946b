//! The end of a session, or of all of a person's.

use std::pin::pin;

use vestibule_domain::{AuditEvent, AuditName, ClientInfo};
use vestibule_plugin_host::Hook;
use vestibule_storage::within_one_limit;
use vestibule_tokens::UserTokenClaims;

use crate::{FlowError, Flows};

impl Flows {
    /// Ends the session of the token; with `everywhere`, all sessions of its user. A token that is already dead has
    /// nothing to end, which is a success. The sessions are dead in the database before the extensions hear of it.
    ///
    /// A session that counts for nothing here and now is ended as well, since it may count elsewhere or later: at a replica with
    /// other settings, or when a provider that was removed comes back. Of that the extensions hear nothing.
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
        let Some(claims) = self.claims_to_end(token) else { return Ok(()) };
        let Some(principal) = self.find_principal(&claims).await? else {
            return self.end_what_does_not_count(&claims, everywhere, client).await;
        };
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

    async fn end_what_does_not_count(
        &self,
        claims: &UserTokenClaims,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let (now, storage) = (self.parts.clock.now(), &self.parts.storage);
        let event =
            |name| AuditEvent::of_user(name, &claims.user_id, client, now).in_session(&claims.session_id);
        let telling = storage.telling(event(AuditName::SessionEnded));
        let ended = telling.revoke_session_of(&claims.user_id, &claims.session_id, now).await?;
        if ended && everywhere {
            storage
                .telling(event(AuditName::AllSessionsEnded))
                .revoke_all_sessions(&claims.user_id, now)
                .await?;
        }
        if ended {
            self.parts.observer.signed_out(everywhere);
            self.parts.plugins.forget_user(&claims.user_id);
        }
        Ok(())
    }
}
