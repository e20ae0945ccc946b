//! The end of a session, or of all of a person's.

use vestibule_domain::{AuditEvent, AuditName, ClientInfo};
use vestibule_plugin_host::Hook;

use crate::authn::TokenSession;
use crate::{FlowError, Flows, FullPerson, SessionToEnd};

impl Flows {
    /// Ends a session; with `everywhere`, all sessions of its user. Without one there is nothing to end, which is a success. The
    /// sessions are dead in the database before the extensions hear of it.
    ///
    /// A session that is not live here and now is ended as well. Of that the extensions hear nothing, nor of the end of a grant, which a
    /// program asks for with its access token, and which is all that it may end.
    pub async fn sign_out(
        &self,
        session: Option<SessionToEnd>,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        match session {
            Some(SessionToEnd::Live(person)) => self.end_live(&person, everywhere, client).await,
            Some(SessionToEnd::NotLive(session)) => self.end_not_live(&session, everywhere, client).await,
            Some(SessionToEnd::Grant(lent)) => {
                self.end_held_grant(&lent.user, &lent.grant, client).await.map(drop)
            }
            None => Ok(()),
        }
    }

    async fn end_live(
        &self,
        person: &FullPerson,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let now = self.dependencies.clock.now();
        let (user, session) = (person.user(), person.session());
        let name = if everywhere { AuditName::AllSessionsEnded } else { AuditName::SessionEnded };
        let event = AuditEvent::by_user(name, &user.id, client, now).in_session(&session.id);
        let storage = &self.dependencies.storage;
        if everywhere {
            storage.revoke_all_sessions(&user.id, now, &event).await?;
        } else if !storage.revoke_session(&user.id, &session.id, now, &event).await? {
            // A sign-out at the same moment was first; the extensions hear of it once.
            return Ok(());
        }
        self.dependencies.observer.signed_out(everywhere);
        self.dependencies.plugins.forget_user(&user.id);
        let outcome =
            self.dependencies.plugins.run_hook(Hook::UserLogout, user.clone(), &session.provider_id).await;
        self.keep_changes(outcome).await.map(drop)
    }

    async fn end_not_live(
        &self,
        TokenSession { user, session }: &TokenSession,
        everywhere: bool,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        let (now, storage) = (self.dependencies.clock.now(), &self.dependencies.storage);
        // A token of a session that has ended costs no write, however often it comes.
        if !storage.may_revoke_session(user, session).await? {
            return Ok(());
        }
        let event = |name| AuditEvent::by_user(name, user, client, now).in_session(session);
        let ended = storage.revoke_session(user, session, now, &event(AuditName::SessionEnded)).await?;
        if ended && everywhere {
            storage.revoke_all_sessions(user, now, &event(AuditName::AllSessionsEnded)).await?;
        }
        if ended {
            self.dependencies.observer.signed_out(everywhere);
            self.dependencies.plugins.forget_user(user);
        }
        Ok(())
    }
}
