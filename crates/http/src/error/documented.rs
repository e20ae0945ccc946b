//! The failures of an operation, as its signature and the OpenAPI document state them.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use super::error_answer::{ErrorAnswer, TypedErrorAnswer};
use crate::error::ApiError;

/// A failing status of an operation.
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) description: &'static str,
    /// Whether the answer says when to try again.
    pub(crate) retry_after: bool,
}

impl Status {
    pub(crate) const fn new(code: u16, description: &'static str) -> Self {
        Self { code, description, retry_after: false }
    }

    pub(crate) const fn retry(code: u16, description: &'static str) -> Self {
        Self { code, description, retry_after: true }
    }
}

/// The failing statuses of one operation. Each implementation is a type that only serves as a name.
pub(crate) trait Statuses: Send + Sync + 'static {
    /// What may happen besides success.
    const ALL: &'static [Status];
    /// What the answer looks like.
    const FORMAT: ErrorFormat = ErrorFormat::Json;
}

/// What the answer to an error looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// JSON, for programs.
    Json,
    /// JSON that says in addition whose fault it is: of the operations for sessions, tokens and apps.
    Typed,
    /// A page, for people.
    Html,
    /// A page where `Accept` names `text/html`, as that of a browser does, and JSON elsewhere.
    Negotiated,
}

impl ErrorFormat {
    /// Every type that an answer may have.
    fn media(self) -> Vec<MetaMediaType> {
        let json = || MetaMediaType {
            content_type: Json::<ErrorAnswer>::CONTENT_TYPE,
            schema: ErrorAnswer::schema_ref(),
        };
        let html = || MetaMediaType {
            content_type: "text/html; charset=utf-8",
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        match self {
            Self::Json => vec![json()],
            Self::Typed => vec![MetaMediaType {
                content_type: Json::<TypedErrorAnswer>::CONTENT_TYPE,
                schema: TypedErrorAnswer::schema_ref(),
            }],
            Self::Html => vec![html()],
            Self::Negotiated => vec![json(), html()],
        }
    }
}

/// An error of an operation that documents its statuses.
pub(crate) struct Documented<S>(ApiError, PhantomData<S>);

impl<S> Documented<S> {
    /// The error itself.
    pub(crate) fn into_error(self) -> ApiError {
        self.0
    }
}

impl<S, P: Into<ApiError>> From<P> for Documented<S> {
    fn from(error: P) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<S: Statuses> From<Documented<S>> for poem::Error {
    fn from(failure: Documented<S>) -> Self {
        failure.0.into()
    }
}

impl<S: Statuses> ApiResponse for Documented<S> {
    fn meta() -> MetaResponses {
        let listed = S::ALL.iter().map(|status| MetaResponse {
            headers: if status.retry_after { vec![retry_after()] } else { vec![] },
            ..response(Some(status.code), status.description, S::FORMAT)
        });
        MetaResponses { responses: listed.chain([response(None, OTHERS, S::FORMAT)]).collect() }
    }

    fn register(registry: &mut Registry) {
        ErrorAnswer::register(registry);
        TypedErrorAnswer::register(registry);
    }
}

/// What is answered in front of every operation, which none of them lists.
const OTHERS: &str = "Any other failure: 400 for a parameter that is given twice or cannot be read, 405 for another \
                      method, 500 for a fault of the service itself.";

fn response(status: Option<u16>, description: &'static str, format: ErrorFormat) -> MetaResponse {
    MetaResponse { description, status, status_range: None, content: format.media(), headers: vec![] }
}

fn retry_after() -> MetaHeader {
    MetaHeader {
        name: "Retry-After".to_owned(),
        description: Some("Seconds to wait before another try.".to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("integer"))),
    }
}
