//! A session that its owner ends, also where it counts for nothing.

use vestibule_domain::{GrantId, SessionId, UserId};
use vestibule_tokens::{OpaqueKind, OpaqueText};

use super::session::SessionCredential;
use super::{Authentication, Credentials, FullPerson, LiveToken, SessionNarrowing};
use crate::{FlowError, Flows};

/// What a sign-out ends. Made by [`Flows::find_session_to_end`] alone.
#[derive(Debug)]
pub enum SessionToEnd {
    /// A session that is alive, with its owner.
    Live(FullPerson),
    /// One that does not count here and now. It may count elsewhere or later: at a replica with other settings, or when a provider
    /// that was removed comes back.
    NotLive(TokenSession),
    /// What was lent to the program that asks, which has no session.
    Grant(LentGrant),
}

/// The session that a good user token belongs to.
#[derive(Debug)]
pub struct TokenSession {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

/// The grant that a good access token belongs to.
#[derive(Debug)]
pub struct LentGrant {
    pub(crate) user: UserId,
    pub(crate) grant: GrantId,
}

impl Flows {
    /// The session that the credentials belong to, or the grant of an access token; `None` when there is none to end. Takes a user token
    /// that another machine's clock dates later than now as well.
    pub async fn find_session_to_end(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Option<SessionToEnd>, FlowError> {
        if let Some(grant) = self.find_grant_to_end(credentials).await? {
            return Ok(Some(SessionToEnd::Grant(grant)));
        }
        let credential = match (credentials.token, credentials.cookie) {
            (Some(token), _) => {
                let verified = self.dependencies.tokens.verify_user_token_of_any_clock(token);
                let Ok(claims) = self.note_refusal(verified) else { return Ok(None) };
                SessionCredential::Token(claims)
            }
            (None, Some(cookie)) => SessionCredential::Cookie(cookie.digest()),
            (None, None) => return Ok(None),
        };
        let found =
            self.find_principal(&credential, SessionNarrowing::default()).await.map_err(FlowError::from)?;
        let live = found.ok().and_then(|principal| principal.as_full_person()).map(SessionToEnd::Live);
        Ok(live.or(match credential {
            SessionCredential::Token(claims) => Some(SessionToEnd::NotLive(TokenSession {
                user: claims.user_id.clone(),
                session: claims.session_id.clone(),
            })),
            // What a cookie without a living session was of, nobody knows.
            SessionCredential::Cookie(_) | SessionCredential::Handle(..) => None,
        }))
    }

    async fn find_grant_to_end(&self, credentials: Credentials<'_>) -> Result<Option<LentGrant>, FlowError> {
        let is_access_token = credentials
            .token
            .and_then(|token| OpaqueText::parse(token).ok())
            .is_some_and(|text| text.kind() == OpaqueKind::AccessToken);
        if !is_access_token {
            return Ok(None);
        }
        let found = self.authenticate_lent(credentials, SessionNarrowing::default()).await?;
        let principal = found.and_then(Authentication::into_principal);
        Ok(principal.and_then(|principal| match principal.lent_token()? {
            LiveToken::Access(live) => {
                let grant = &live.live.grant;
                Some(LentGrant { user: grant.user_id.clone(), grant: grant.id.clone() })
            }
            LiveToken::Api(_) => None,
        }))
    }
}
