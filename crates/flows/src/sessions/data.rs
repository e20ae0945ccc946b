//! What an app keeps in a session: a small JSON object for each app, with versions.

use std::num::NonZeroU32;

use serde_json::Value;
use vestibule_domain::{App, CredentialKind, Rate, ServiceName, SessionData, SessionId};
use vestibule_storage::{DataWrite, VersionedData};

use crate::authn::InvalidCredential;
use crate::{FlowError, Flows, Principal};

/// How often the data of one session may be written.
const WRITES: Rate = Rate::per_minute(NonZeroU32::MIN.saturating_add(119));
/// How often a patch that names no version is tried again, when others write at the same time.
const TRIES: u32 = 3;

/// Which version a writer has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenVersion {
    /// This one.
    Exactly(i64),
    /// Whichever there is: what is written does not depend on it.
    Any,
}

/// What a writer does to the object.
#[derive(Debug)]
pub enum DataChange {
    /// It is this one from now on.
    Replace(SessionData),
    /// This merge patch applies to it (RFC 7396).
    Patch(Value),
    /// It is empty from now on.
    Clear,
}

/// What a write comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataOutcome {
    /// It is written; this is what there is now.
    Written(VersionedData),
    /// The object has another version than the writer has seen: this one.
    Stale(VersionedData),
}

/// The proof that the caller may write what this app keeps in this session.
#[derive(Debug, Clone)]
pub struct SessionDataWriter {
    session: SessionId,
    app: ServiceName,
}

impl Flows {
    /// The app of a request: the one that the credential is bound to, whatever page the request is from; else the one at the origin that
    /// its page has, for the credentials that apps' pages have.
    pub(super) fn find_app(&self, principal: &Principal, origin: Option<&str>) -> Option<&App> {
        match principal.credential() {
            CredentialKind::SessionHandle => self.settings.apps.find(principal.app()?.as_str()),
            CredentialKind::UserToken => self.settings.apps.find_by_origin(origin?),
            CredentialKind::BrowserCookie
            | CredentialKind::PersonalToken
            | CredentialKind::RoleToken
            | CredentialKind::AccessToken
            | CredentialKind::HandlerToken => None,
        }
    }

    /// The proof that a credential may write in the name of the app that it is bound to, or whose page, at this origin, sends it.
    pub fn authorize_session_data(
        &self,
        principal: &Principal,
        origin: Option<&str>,
    ) -> Result<SessionDataWriter, FlowError> {
        let Some(session) = principal.session() else { return Err(FlowError::NoSession) };
        if ![CredentialKind::UserToken, CredentialKind::SessionHandle].contains(&principal.credential()) {
            return Err(FlowError::WrongCredential);
        }
        let app = self.find_app(principal, origin).ok_or(FlowError::UnknownApp)?;
        self.admit_data_write(&session.id)?;
        Ok(SessionDataWriter { session: session.id.clone(), app: app.name.clone() })
    }

    fn admit_data_write(&self, session: &SessionId) -> Result<(), FlowError> {
        let admitted = self.limiter.admit(&WRITES, ("session_data", session));
        admitted.map_err(|retry_after| FlowError::TooManyRequests { retry_after })
    }

    /// Changes what an app keeps in a session.
    pub async fn write_session_data(
        &self,
        writer: &SessionDataWriter,
        seen: SeenVersion,
        change: &DataChange,
    ) -> Result<DataOutcome, FlowError> {
        let mut present = self.dependencies.storage.find_session_data(&writer.session, &writer.app).await?;
        for _ in 0..TRIES {
            match seen {
                SeenVersion::Exactly(version) if version != present.version => break,
                SeenVersion::Exactly(_) | SeenVersion::Any => {}
            }
            match self.try_write(writer, &present, change).await? {
                DataOutcome::Stale(newer) => present = newer,
                written @ DataOutcome::Written(_) => return Ok(written),
            }
        }
        Ok(DataOutcome::Stale(present))
    }

    async fn try_write(
        &self,
        writer: &SessionDataWriter,
        present: &VersionedData,
        change: &DataChange,
    ) -> Result<DataOutcome, FlowError> {
        let data = match change {
            DataChange::Replace(data) => data.clone(),
            DataChange::Patch(patch) => {
                present.data.clone().patched(patch).map_err(FlowError::SessionData)?
            }
            DataChange::Clear => SessionData::default(),
        };
        let (storage, now) = (&self.dependencies.storage, self.dependencies.clock.now());
        let written =
            storage.write_session_data(&writer.session, &writer.app, present.version, &data, now).await?;
        match written {
            DataWrite::Written(version) => Ok(DataOutcome::Written(VersionedData { data, version })),
            DataWrite::Stale(newer) => Ok(DataOutcome::Stale(newer)),
            DataWrite::SessionEnded => Err(FlowError::Unauthenticated(Some(InvalidCredential::SessionEnded))),
            DataWrite::TooManyApps => Err(FlowError::Conflict("too many apps keep data in this session")),
        }
    }
}
