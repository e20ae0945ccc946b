//! Session handles: with one the backend of an app reaches the session of somebody who came to the app.
//!
//! INVARIANT: it counts where an operation says so, and is not even opened elsewhere. None is made by another one, so that it ends.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use vestibule_domain::{Apps, CredentialKind, ServiceName, SessionId, Timestamp, UserId};
use vestibule_tokens::{SESSION_HANDLE, SealPurpose, TokenService};

use super::{Credentials, InvalidCredential};
use crate::{FlowError, Flows, Principal};

/// How long the backend of an app may reach a session by what it was given with one request.
const LIFE: Duration = Duration::from_secs(600);

/// What a handle says, once it is opened. It is sealed, so that only the service can read or change it, and stored nowhere. Not `Debug`:
/// what is sealed stays so.
///
/// A member that is not known could make it less than it was, so a replica that does not know it refuses the handle.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionHandle {
    #[serde(rename = "s")]
    pub(crate) session: SessionId,
    #[serde(rename = "u")]
    pub(crate) user: UserId,
    #[serde(rename = "a")]
    app: String,
    #[serde(rename = "e")]
    expires_at_micros: i64,
}

impl SessionHandle {
    pub(crate) fn new(session: SessionId, user: UserId, app: &ServiceName, now: Timestamp) -> Self {
        let expires_at_micros = now.plus(LIFE).micros();
        Self { session, user, app: app.as_str().to_owned(), expires_at_micros }
    }

    pub(crate) fn seal(&self, tokens: &TokenService) -> Result<SecretString, FlowError> {
        let plain = serde_json::to_vec(self).map_err(|error| FlowError::Internal(error.to_string()))?;
        let sealed = tokens.seal(SealPurpose::SessionHandle, &plain);
        let sealed = sealed.map_err(|error| FlowError::Internal(error.to_string()))?;
        Ok(format!("{SESSION_HANDLE}{sealed}").into())
    }

    /// Reads what follows the prefix: good if it was sealed here, is in time, and its app is one of these.
    pub(crate) fn open(
        sealed: &str,
        tokens: &TokenService,
        apps: &Apps,
        now: Timestamp,
    ) -> Option<(Self, ServiceName)> {
        let plain = tokens.open(SealPurpose::SessionHandle, sealed)?;
        let handle: Self = serde_json::from_slice(&plain).ok()?;
        let app = &apps.find(&handle.app)?.name;
        (Timestamp::from_micros(handle.expires_at_micros) > now).then(|| (handle, app.clone()))
    }
}

impl Flows {
    /// A handle of the principal's session for the backend of this app.
    pub fn make_session_handle(
        &self,
        principal: &Principal,
        app: &ServiceName,
    ) -> Result<SecretString, FlowError> {
        if principal.credential() == CredentialKind::SessionHandle {
            return Err(FlowError::WrongCredential);
        }
        let session = principal.session().ok_or(FlowError::NoSession)?;
        let app = self.settings.apps.find(app.as_str()).ok_or(FlowError::UnknownApp)?;
        let now = self.dependencies.clock.now();
        SessionHandle::new(session.id.clone(), session.user_id.clone(), &app.name, now)
            .seal(&self.dependencies.tokens)
    }

    /// The handle of a request; `None` where its token has not the form of one.
    pub(super) fn session_handle(
        &self,
        credentials: Credentials<'_>,
    ) -> Option<Result<(SessionHandle, ServiceName), InvalidCredential>> {
        let sealed = credentials.token?.strip_prefix(SESSION_HANDLE)?;
        if !credentials.takes_handle || credentials.is_exposed {
            return Some(Err(InvalidCredential::Misplaced));
        }
        let (tokens, apps) = (&self.dependencies.tokens, &self.settings.apps);
        let opened = SessionHandle::open(sealed, tokens, apps, self.dependencies.clock.now());
        Some(opened.ok_or(InvalidCredential::Handle))
    }
}
