//! The failures of an operation, as its signature and the OpenAPI document state them.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use crate::answers::ErrorAnswer;
use crate::problem::Problem;

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
    /// The forms that the answer may have.
    const FORMS: &'static [Form] = &[Form::Json];
}

/// What a failure looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs.
    Json,
    /// For people.
    Page,
}

/// A problem, in the name of an operation that documents it.
pub(crate) struct Failure<S>(Problem, PhantomData<S>);

impl<S> Failure<S> {
    /// The problem, in nobody's name.
    pub(crate) fn into_problem(self) -> Problem {
        self.0
    }
}

impl<S, P: Into<Problem>> From<P> for Failure<S> {
    fn from(problem: P) -> Self {
        Self(problem.into(), PhantomData)
    }
}

impl<S: Statuses> From<Failure<S>> for poem::Error {
    fn from(failure: Failure<S>) -> Self {
        failure.0.into()
    }
}

impl<S: Statuses> ApiResponse for Failure<S> {
    fn meta() -> MetaResponses {
        let listed = S::ALL.iter().map(|status| MetaResponse {
            headers: if status.retry_after { vec![retry_after()] } else { vec![] },
            ..response(Some(status.code), status.description, S::FORMS)
        });
        MetaResponses { responses: listed.chain([response(None, OTHERS, S::FORMS)]).collect() }
    }

    fn register(registry: &mut Registry) {
        ErrorAnswer::register(registry);
    }
}

/// What the edge answers in front of every operation, which none of them lists.
const OTHERS: &str = "Any other failure: 400 for a parameter that is given twice or cannot be read, 405 for another \
                      method, 500 for a fault of the service itself.";

fn response(status: Option<u16>, description: &'static str, forms: &[Form]) -> MetaResponse {
    let content = forms.iter().map(|form| media(*form)).collect();
    MetaResponse { description, status, status_range: None, content, headers: vec![] }
}

fn media(form: Form) -> MetaMediaType {
    match form {
        Form::Json => MetaMediaType {
            content_type: Json::<ErrorAnswer>::CONTENT_TYPE,
            schema: ErrorAnswer::schema_ref(),
        },
        Form::Page => MetaMediaType {
            content_type: "text/html; charset=utf-8",
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        },
    }
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
