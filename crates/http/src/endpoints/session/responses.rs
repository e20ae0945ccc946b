//! The session as apps read it.

use std::collections::BTreeMap;

use poem::http::header;
use poem::{IntoResponse, Response};
use poem_openapi::payload::{Json, Payload as _};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{Any, Example, Type as _};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde_json::{Value, json};
use vestibule_flows::{Principal, Rights, SessionRecord, VersionedData};

use crate::entity_tag::{entity_tag, entity_tag_header};
use crate::responses::SerializedJson;

/// An object of any members.
pub(crate) type JsonObject = BTreeMap<String, Any<Value>>;

/// Who is signed in, and the session.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct SessionDocument {
    /// The user's id, stable for ever.
    pub(crate) uid: String,
    /// Whether it is a role account: a program, not a person.
    pub(crate) roleaccount: bool,
    /// The username, once it is chosen.
    #[oai(nullable)]
    pub(crate) username: Option<String>,
    /// The name at the provider.
    #[oai(nullable)]
    pub(crate) fullname: Option<String>,
    /// The address that the provider verified.
    #[oai(nullable)]
    pub(crate) email: Option<String>,
    /// The identity that signed in: `provider:subject`.
    #[oai(nullable)]
    pub(crate) provider_id: Option<String>,
    /// The roles that are assigned for every service.
    pub(crate) roles: Vec<String>,
    /// The services that the credential may be used at, `*` for all; null for one that stands for the whole person.
    #[oai(nullable)]
    pub(crate) services: Option<Vec<String>>,
    /// The scopes that the credential was lent; null for one that stands for the whole person.
    #[oai(nullable)]
    pub(crate) scopes: Option<Vec<String>>,
    /// What is kept with the credential. `scope` is always there.
    pub(crate) metadata: JsonObject,
    /// The session; null for a credential that outlives sessions.
    #[oai(nullable)]
    pub(crate) session: Option<SessionTimes>,
    /// What the app keeps in the session.
    pub(crate) data: JsonObject,
    /// The version of `data`; 0 before the first.
    pub(crate) version: i64,
}

/// A session.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct SessionTimes {
    /// `browser` for one that is held by a cookie, `token` for one of a user token.
    pub(crate) kind: String,
    /// When it began (RFC 3339).
    pub(crate) created_at: String,
    /// When it was last used, to within five minutes.
    pub(crate) last_seen_at: String,
    /// When the person last showed who they are.
    pub(crate) auth_time: String,
    /// When it ends if it is not used any more; null for one that need not be used.
    #[oai(nullable)]
    pub(crate) idle_expires_at: Option<String>,
    /// When it ends in any case.
    pub(crate) expires_at: String,
}

impl From<&SessionRecord> for SessionDocument {
    fn from(record: &SessionRecord) -> Self {
        let principal = &record.principal;
        let user = principal.user();
        let limits = match principal.rights() {
            Rights::Full => None,
            Rights::Lent(limits) => Some(limits),
        };
        Self {
            uid: user.id.to_string(),
            roleaccount: principal.is_role_account(),
            username: user.username.as_ref().map(ToString::to_string),
            fullname: user.name.as_ref().map(|name| name.as_str().to_owned()),
            email: user
                .email
                .as_ref()
                .filter(|_| principal.tells_email())
                .map(|email| email.as_str().to_owned()),
            provider_id: principal.provider_id().map(str::to_owned),
            roles: record.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            services: limits.map(|limits| limits.services.words().into_iter().map(str::to_owned).collect()),
            scopes: limits.map(|limits| limits.scopes.iter().map(ToString::to_string).collect()),
            metadata: metadata(principal),
            session: times(principal, record),
            data: object_of(&record.data),
            version: record.data.version,
        }
    }
}

/// The words that are lent: none where the credential stands for the whole person.
fn scopes(principal: &Principal) -> Vec<String> {
    match principal.rights() {
        Rights::Full => Vec::new(),
        Rights::Lent(limits) => limits.scopes.iter().map(ToString::to_string).collect(),
    }
}

fn metadata(principal: &Principal) -> JsonObject {
    let kept = principal.metadata().into_iter().flatten();
    let mut metadata: JsonObject = kept.map(|(name, value)| (name.clone(), Any(value.clone()))).collect();
    metadata.entry("scope".to_owned()).or_insert_with(|| Any(scopes(principal).into()));
    metadata
}

/// The object as the document has it.
pub(crate) fn object_of(kept: &VersionedData) -> JsonObject {
    kept.data.as_object().iter().map(|(name, value)| (name.clone(), Any(value.clone()))).collect()
}

fn times(principal: &Principal, record: &SessionRecord) -> Option<SessionTimes> {
    let session = principal.session()?;
    Some(SessionTimes {
        kind: session.kind.as_str().to_owned(),
        created_at: session.created_at.to_rfc3339(),
        last_seen_at: principal.last_seen_at()?.to_rfc3339(),
        auth_time: session.auth_time.to_rfc3339(),
        idle_expires_at: record.idle_expires_at.map(vestibule_domain::Timestamp::to_rfc3339),
        expires_at: record.expires_at?.to_rfc3339(),
    })
}

impl Example for SessionTimes {
    fn example() -> Self {
        Self {
            kind: "browser".into(),
            created_at: "2026-11-22T10:08:33Z".into(),
            last_seen_at: "2026-11-29T09:41:02Z".into(),
            auth_time: "2026-11-22T10:08:33Z".into(),
            idle_expires_at: Some("2026-12-06T09:41:02Z".into()),
            expires_at: "2026-12-22T10:08:33Z".into(),
        }
    }
}

impl Example for SessionDocument {
    fn example() -> Self {
        Self {
            uid: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            roleaccount: false,
            username: Some("ada".into()),
            fullname: Some("Ada Lovelace".into()),
            email: Some("ada@example.com".into()),
            provider_id: Some("google:110169484474386276334".into()),
            roles: vec!["Writer".into()],
            services: None,
            scopes: None,
            metadata: JsonObject::from([("scope".to_owned(), Any(json!([])))]),
            session: Some(SessionTimes::example()),
            data: JsonObject::from([("theme".to_owned(), Any(json!("dark")))]),
            version: 3,
        }
    }
}

/// 200 with the session, and the version of its data as an entity tag (RFC 9110 section 8.8.3).
pub(crate) struct VersionedSession(pub(crate) SessionDocument);

impl IntoResponse for VersionedSession {
    fn into_response(self) -> Response {
        let tag = entity_tag(self.0.version);
        SerializedJson::new(&self.0).with_header(header::ETAG, tag).into_response()
    }
}

impl ApiResponse for VersionedSession {
    fn meta() -> MetaResponses {
        let response = MetaResponse {
            description: "Who is signed in.",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: Json::<SessionDocument>::CONTENT_TYPE,
                schema: SessionDocument::schema_ref(),
            }],
            headers: vec![entity_tag_header()],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        SessionDocument::register(registry);
    }
}

crate::responses::describe! {
    SessionDocument: "Who is signed in.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn a_session_is_written_as_the_document_describes_it() {
        assert_written_as_documented(&SessionDocument::example());
        let bare = SessionDocument {
            username: None,
            fullname: None,
            email: None,
            provider_id: None,
            services: Some(vec!["storage".into()]),
            scopes: Some(vec!["profile".into()]),
            session: None,
            ..SessionDocument::example()
        };
        assert_written_as_documented(&bare);
    }
}
