//! The one place where an error becomes an answer: status, code, public text and log level, side by side.

use std::time::Duration;

use poem::error::{MethodNotAllowedError, NotFoundError, ResponseError};
use poem::http::StatusCode;
use poem_openapi::error::ParseParamError;
use thiserror::Error;
use tracing::Level;
use vestibule_flows::{CallbackRefusal, FlowError};

/// Whatever can go wrong with a request.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("the request has two different tokens")]
    ConflictingTokens,
    #[error("the parameter {0:?} is given more than once")]
    DuplicateParameter(String),
    #[error("the parameter {0:?} cannot be read")]
    UnreadableParameter(String),
    #[error("the body is longer than 64 KiB")]
    BodyTooLarge,
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

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        ErrorResponse::of(self).status
    }
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

    /// Of whom there were too many requests, if that is the error.
    pub(crate) fn limited_by(&self) -> Option<&'static str> {
        match self {
            Self::TooManyRequests { .. } => Some("address"),
            Self::Flow(FlowError::TooManyRequests { .. }) => Some("account"),
            _ => None,
        }
    }

    /// How long the client may wait before another try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Flow(error) => error.retry_after(),
            Self::NotReady(_) => Some(Duration::from_secs(2)),
            Self::Overloaded => Some(Duration::from_secs(1)),
            Self::TooManyRequests { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

/// The answer to an error: what the client reads, and the level at which it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    /// The `error` member: stable, for programs.
    pub(crate) code: &'static str,
    /// The `error_description` member: one sentence, for people. Holds nothing of the inside.
    pub(crate) description: String,
    pub(crate) level: Level,
}

impl ErrorResponse {
    /// One exhaustive match, so that a new error cannot be forgotten here.
    pub(crate) fn of(error: &ApiError) -> Self {
        use ApiError as E;
        let caller = |status, code, text: &dyn ToString| Self::new(status, code, text, Level::DEBUG);
        match error {
            E::ConflictingTokens
            | E::DuplicateParameter(_)
            | E::UnreadableParameter(_)
            | E::UnreadableBody
            | E::Malformed
            | E::Prefetch => caller(StatusCode::BAD_REQUEST, "invalid_request", error),
            E::BodyTooLarge => caller(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", error),
            E::UnsupportedBody => caller(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", error),
            E::TargetTooLong => caller(StatusCode::URI_TOO_LONG, "address_too_long", error),
            E::HeadTooLarge => caller(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", error),
            E::Overloaded => caller(StatusCode::SERVICE_UNAVAILABLE, "busy", error),
            E::NotFound => caller(StatusCode::NOT_FOUND, "not_found", error),
            E::MethodNotAllowed { .. } => caller(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", error),
            E::TooManyRequests { .. } => Self::too_many_requests(error),
            E::NotReady(reason) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason, Level::WARN)
            }
            E::Panicked | E::Unexpected(_) => Self::internal(),
            E::Flow(error) => Self::of_flow(error),
        }
    }

    fn of_flow(error: &FlowError) -> Self {
        let new = Self::new;
        match error {
            FlowError::InvalidNext(reason) => {
                new(StatusCode::BAD_REQUEST, "invalid_next", reason, Level::INFO)
            }
            FlowError::UnknownProvider => new(StatusCode::NOT_FOUND, "unknown_provider", error, Level::DEBUG),
            FlowError::Callback(refusal) => {
                new(StatusCode::BAD_REQUEST, callback_code(*refusal), refusal, Level::INFO)
            }
            FlowError::Denied => {
                new(StatusCode::FORBIDDEN, "access_denied", &"access to this service is denied", Level::WARN)
            }
            FlowError::PermissionsUnavailable(_) => {
                let text = "the permissions cannot be determined now; try again";
                new(StatusCode::SERVICE_UNAVAILABLE, "permissions_unavailable", &text, Level::ERROR)
            }
            FlowError::StorageUnavailable(_) => {
                let text = "the service cannot reach its database now; try again";
                new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &text, Level::ERROR)
            }
            FlowError::Busy | FlowError::ProviderBusy(_) => {
                let text = "more is asked for than can be done now; try again";
                new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text, Level::DEBUG)
            }
            FlowError::TooManyRequests { .. } => Self::too_many_requests(error),
            FlowError::Internal(_) => Self::internal(),
        }
    }

    /// RFC 6585 section 4.
    fn too_many_requests(text: &dyn ToString) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text, Level::DEBUG)
    }

    fn internal() -> Self {
        let text = "something went wrong on our side";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &text, Level::ERROR)
    }

    fn new(status: StatusCode, code: &'static str, text: &dyn ToString, level: Level) -> Self {
        Self { status, code, description: text.to_string(), level }
    }
}

fn callback_code(refusal: CallbackRefusal) -> &'static str {
    match refusal {
        CallbackRefusal::StateMissing => "state_missing",
        CallbackRefusal::StateForged => "state_forged",
        CallbackRefusal::StateExpired => "state_expired",
        CallbackRefusal::StateReplayed => "state_replayed",
        CallbackRefusal::WrongCallback => "wrong_callback",
        CallbackRefusal::OtherBrowser => "state_from_other_browser",
        CallbackRefusal::CodeMissing | CallbackRefusal::CodeTooLong => "invalid_request",
        CallbackRefusal::ProviderGone => "unknown_provider",
    }
}
