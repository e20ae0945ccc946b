//! Everything that can go wrong with a request.

use std::time::Duration;

use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::StatusCode;
use poem_openapi::error::ParseParamError;
use thiserror::Error;
use vestibule_flows::FlowError;

/// Everything that can go wrong with a request.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("the request has two different tokens")]
    ConflictingTokens,
    #[error("the session cookie counts for requests from pages of this service alone")]
    CrossOrigin,
    #[error("the parameter {0:?} is given more than once")]
    DuplicateParameter(String),
    #[error("the request has more than {most} parameters")]
    TooManyParameters { most: usize },
    #[error("the parameter {0:?} cannot be read")]
    UnreadableParameter(String),
    #[error("the parameter {name:?} is no number of seconds from {least} on")]
    NotSeconds { name: &'static str, least: u64 },
    #[error("the body is longer than 64 KiB")]
    BodyTooLarge,
    /// A member of the body, and what is wrong with it.
    #[error("{0}")]
    InvalidMember(String),
    #[error("grant_type: expected session or refresh_token")]
    UnsupportedGrantType,
    #[error("the body is not JSON")]
    NotJson,
    #[error("If-Match and If-None-Match name one version, as an ETag does, or *")]
    InvalidVersion,
    #[error("If-Match has to name the version that is replaced, or If-None-Match: * that there is none")]
    PreconditionRequired,
    #[error("the body is not of a type that is taken here")]
    UnsupportedType,
    #[error("the body is not a form")]
    UnsupportedBody,
    #[error("the body cannot be read")]
    UnreadableBody,
    #[error("the request only looks ahead")]
    Prefetch,
    #[error("there is nothing at this address")]
    NotFound,
    #[error("this method is not for this address")]
    MethodNotAllowed {
        /// The `Allow` header (RFC 9110 section 10.2.1).
        allow: String,
    },
    #[error("too many requests from this address")]
    TooManyRequests { retry_after: Duration },
    #[error("the service is not ready: {0}")]
    NotReady(&'static str),
    #[error("the request is malformed")]
    Malformed,
    #[error("the address of the request is too long")]
    TargetTooLong,
    #[error("the head of the request is too large")]
    HeadTooLarge,
    #[error("more is connected than can be served; try again")]
    Overloaded,
    #[error("a handler panicked")]
    Panicked,
    #[error("unexpected error of status {0}")]
    Unexpected(StatusCode),
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl ApiError {
    /// Reads what the router or an extractor reports.
    pub(crate) fn from_poem(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return error,
            Err(error) => error,
        };
        if let Some(unreadable) = error.downcast_ref::<ParseParamError>() {
            return Self::UnreadableParameter(unreadable.name.to_owned());
        }
        if error.is::<NotFoundError>() {
            return Self::NotFound;
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::MethodNotAllowed { allow: "GET, HEAD".to_owned() };
        }
        match error.status() {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedBody,
            StatusCode::BAD_REQUEST => Self::UnreadableBody,
            status => Self::Unexpected(status),
        }
    }
}
