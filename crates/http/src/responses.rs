//! What an operation answers when all is well, with the sentence about it that the OpenAPI document shows.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::IntoResponse;
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload, PlainText};
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::ToJSON;
use serde::Serialize;
use serde_json::Value;

/// A body of JSON that says in the document what its being there means.
pub(crate) trait Describe: ToJSON + Serialize {
    /// When this is the answer.
    const DESCRIPTION: &'static str;
}

/// Says of answers when they are given.
macro_rules! describe {
    ($($answer:ty: $description:literal,)+) => {
        $(impl crate::responses::Describe for $answer {
            const DESCRIPTION: &'static str = $description;
        })+
    };
}
pub(crate) use describe;

/// 200 with a body of JSON.
pub(crate) struct Success<T>(pub(crate) T);

impl<T: Describe> IntoResponse for Success<T> {
    fn into_response(self) -> poem::Response {
        SerializedJson::new(&self.0).into_response()
    }
}

/// 200 with a body of JSON that has been written, perhaps for an earlier request.
pub(crate) struct SerializedJson<T>(Bytes, PhantomData<fn() -> T>);

impl<T: Describe> SerializedJson<T> {
    /// Writes the body.
    pub(crate) fn new(answer: &T) -> Self {
        Self::from_body(serialize(answer))
    }

    /// Takes a body that [`serialize`] has made of such an answer.
    pub(crate) fn from_body(body: Bytes) -> Self {
        Self(body, PhantomData)
    }
}

/// Writes the body of an answer.
pub(crate) fn serialize<T: Describe>(answer: &T) -> Bytes {
    // Not by way of a tree of values, as the framework does it.
    serde_json::to_vec(answer).unwrap_or_default().into()
}

impl<T: Describe> IntoResponse for SerializedJson<T> {
    fn into_response(self) -> poem::Response {
        self.0.with_content_type(Json::<T>::CONTENT_TYPE).into_response()
    }
}

impl<T: Describe> ApiResponse for SerializedJson<T> {
    fn meta() -> MetaResponses {
        Success::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        Success::<T>::register(registry);
    }
}

impl<T: Describe> ApiResponse for Success<T> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![ok(T::DESCRIPTION, Json::<T>::CONTENT_TYPE, T::schema_ref())] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 201 with a body of JSON (RFC 9110 section 15.3.2).
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Describe> IntoResponse for Created<T> {
    fn into_response(self) -> poem::Response {
        Success(self.0).with_status(StatusCode::CREATED).into_response()
    }
}

impl<T: Describe> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let responses = Success::<T>::meta().responses.into_iter();
        let created = |response| MetaResponse { status: Some(StatusCode::CREATED.as_u16()), ..response };
        MetaResponses { responses: responses.map(created).collect() }
    }

    fn register(registry: &mut Registry) {
        Success::<T>::register(registry);
    }
}

/// 204: it is done, and there is nothing more to say.
pub(crate) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> poem::Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        let done = MetaResponse {
            description: "It is done.",
            status: Some(StatusCode::NO_CONTENT.as_u16()),
            status_range: None,
            content: vec![],
            headers: vec![],
        };
        MetaResponses { responses: vec![done] }
    }

    fn register(_: &mut Registry) {}
}

/// The same as [`Success`], and a cookie that the browser is to keep or to forget.
pub(crate) struct WithCookie<T> {
    pub(crate) answer: Success<T>,
    /// The `Set-Cookie` header.
    pub(crate) cookie: Option<String>,
}

impl<T: Describe> IntoResponse for WithCookie<T> {
    fn into_response(self) -> poem::Response {
        let mut response = self.answer.into_response();
        if let Some(cookie) = self.cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<T: Describe> ApiResponse for WithCookie<T> {
    fn meta() -> MetaResponses {
        Success::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        Success::<T>::register(registry);
    }
}

/// 200 with a public key as a PEM block.
pub(crate) struct PublicKeyPem(pub(crate) String);

const PEM_EXAMPLE: &str =
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA...\n-----END PUBLIC KEY-----\n";

impl IntoResponse for PublicKeyPem {
    fn into_response(self) -> poem::Response {
        PlainText(self.0).into_response()
    }
}

impl ApiResponse for PublicKeyPem {
    fn meta() -> MetaResponses {
        let schema = MetaSchema { example: Some(Value::from(PEM_EXAMPLE)), ..MetaSchema::new("string") };
        let schema = MetaSchemaRef::Inline(Box::new(schema));
        MetaResponses { responses: vec![ok("The key.", PlainText::<String>::CONTENT_TYPE, schema)] }
    }

    fn register(_: &mut Registry) {}
}

fn ok(description: &'static str, content_type: &'static str, schema: MetaSchemaRef) -> MetaResponse {
    MetaResponse {
        description,
        status: Some(200),
        status_range: None,
        content: vec![MetaMediaType { content_type, schema }],
        headers: vec![],
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use poem_openapi::types::ToJSON;
    use serde::Serialize;

    /// The document speaks of the one form, clients get the other.
    pub(crate) fn assert_written_as_documented<T: ToJSON + Serialize>(answer: &T) {
        assert_eq!(serde_json::to_value(answer).ok(), answer.to_json());
    }
}
