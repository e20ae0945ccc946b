//! What is said of the data of a session once it is written, or was not.

use poem::http::{StatusCode, header};
use poem::{IntoResponse, Request, Response};
use poem_openapi::payload::{Json, Payload as _};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{Any, Example, Type as _};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde_json::json;
use vestibule_flows::DataOutcome;

use crate::endpoints::session::responses::{JsonObject, object_of};
use crate::entity_tag::{entity_tag, entity_tag_header};
use crate::request_context::RequestId;
use crate::responses::SerializedJson;

/// What the app keeps in the session.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct DataDocument {
    /// The object.
    data: JsonObject,
    /// Its version; also in the header `ETag`.
    version: i64,
}

impl Example for DataDocument {
    fn example() -> Self {
        Self { data: JsonObject::from([("theme".to_owned(), Any(json!("dark")))]), version: 3 }
    }
}

/// The object has another version than the writer has seen.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct StaleDocument {
    /// Always `precondition_failed`.
    error: String,
    /// One sentence, for people.
    error_description: String,
    /// The id under which the service logged the request; also in the header `X-Request-Id`.
    request_id: String,
    /// Always `request`.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    /// Always 412.
    code: u16,
    /// The same as `error_description`.
    msg: String,
    /// The object as it is now.
    data: JsonObject,
    /// Its version; also in the header `ETag`.
    version: i64,
}

impl Example for StaleDocument {
    fn example() -> Self {
        Self::new(DataDocument::example(), "5f0c6a1d9b3e4c27".to_owned())
    }
}

impl StaleDocument {
    fn new(present: DataDocument, request_id: String) -> Self {
        let text = "the object was changed since the version that the request names";
        Self {
            error: "precondition_failed".into(),
            error_description: text.into(),
            request_id,
            kind: "request".into(),
            code: StatusCode::PRECONDITION_FAILED.as_u16(),
            msg: text.into(),
            data: present.data,
            version: present.version,
        }
    }
}

/// 200 with what there is now; or 412 with what there is in its place.
pub(crate) enum DataAnswer {
    Written(DataDocument),
    Stale(StaleDocument),
}

impl DataAnswer {
    pub(super) fn new(outcome: DataOutcome, request: &Request) -> Self {
        match outcome {
            DataOutcome::Written(now) => {
                Self::Written(DataDocument { data: object_of(&now), version: now.version })
            }
            DataOutcome::Stale(present) => {
                let id = request.data::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
                let present = DataDocument { data: object_of(&present), version: present.version };
                Self::Stale(StaleDocument::new(present, id))
            }
        }
    }
}

impl IntoResponse for DataAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Written(now) => {
                SerializedJson::new(&now).with_header(header::ETAG, entity_tag(now.version)).into_response()
            }
            Self::Stale(present) => SerializedJson::new(&present)
                .with_header(header::ETAG, entity_tag(present.version))
                .with_status(StatusCode::PRECONDITION_FAILED)
                .into_response(),
        }
    }
}

fn tagged(status: StatusCode, description: &'static str, schema: MetaSchemaRef) -> MetaResponse {
    MetaResponse {
        description,
        status: Some(status.as_u16()),
        status_range: None,
        content: vec![MetaMediaType { content_type: Json::<DataDocument>::CONTENT_TYPE, schema }],
        headers: vec![entity_tag_header()],
    }
}

fn stale() -> MetaResponse {
    let text = "The object has another version than the request names: this one.";
    tagged(StatusCode::PRECONDITION_FAILED, text, StaleDocument::schema_ref())
}

impl ApiResponse for DataAnswer {
    fn meta() -> MetaResponses {
        let written = tagged(StatusCode::OK, "What the app keeps now.", DataDocument::schema_ref());
        MetaResponses { responses: vec![written, stale()] }
    }

    fn register(registry: &mut Registry) {
        DataDocument::register(registry);
        StaleDocument::register(registry);
    }
}

/// 204 when the object is empty now; or 412.
pub(crate) struct Cleared(pub(super) DataAnswer);

impl IntoResponse for Cleared {
    fn into_response(self) -> Response {
        match self.0 {
            DataAnswer::Written(_) => StatusCode::NO_CONTENT.into_response(),
            stale @ DataAnswer::Stale(_) => stale.into_response(),
        }
    }
}

impl ApiResponse for Cleared {
    fn meta() -> MetaResponses {
        let cleared = MetaResponse {
            description: "The object is empty.",
            status: Some(StatusCode::NO_CONTENT.as_u16()),
            status_range: None,
            content: vec![],
            headers: vec![],
        };
        MetaResponses { responses: vec![cleared, stale()] }
    }

    fn register(registry: &mut Registry) {
        StaleDocument::register(registry);
    }
}

crate::responses::describe! {
    DataDocument: "What the app keeps now.",
    StaleDocument: "What the app keeps, in another version than the request names.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&DataDocument::example());
        assert_written_as_documented(&StaleDocument::example());
    }
}
