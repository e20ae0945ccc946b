//! The one place where an error becomes an answer: status, code, texts, headers and log level, side by side.

use std::time::Duration;

use poem::error::ResponseError;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use tracing::Level;
use vestibule_domain::SessionDataError;
use vestibule_flows::{
    FlowError, InvalidCredential, PermissionError, RoleAccountError, SignInError, TokenError,
};

use super::ApiError;
use super::page_text::{
    BUSY, CROSS_ORIGIN, INVALID, LOADED_AHEAD, NOT_ALLOWED, OUR_FAULT, PageText, TOO_MANY, UNAVAILABLE,
    UNKNOWN_PROVIDER, of_callback,
};

/// The answer to an error: what the client reads, and the level at which it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    /// The `error` member: stable, for programs.
    pub(crate) code: &'static str,
    /// The `error_description` member: one sentence, for developers. Holds nothing of the inside.
    pub(crate) description: String,
    pub(crate) level: Level,
    /// How long the client may wait before another try.
    pub(crate) retry_after: Option<Duration>,
    /// Of whom there were too many requests, for a label of a metric.
    pub(crate) limited_by: Option<&'static str>,
    /// A header that belongs to the status.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    /// What a person reads.
    pub(crate) page: PageText,
}

/// The code where a credential is needed and none came.
const NOT_SIGNED_IN: &str = "not_signed_in";

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        ErrorResponse::of(self).status
    }
}

impl ErrorResponse {
    /// One exhaustive match, so that a new error cannot be forgotten here.
    pub(crate) fn of(error: &ApiError) -> Self {
        use ApiError as E;
        let caller = |status, code| Self::new(status, code, error, Level::DEBUG);
        match error {
            E::ConflictingTokens
            | E::DuplicateParameter(_)
            | E::TooManyParameters { .. }
            | E::UnreadableParameter(_)
            | E::NotSeconds { .. }
            | E::NotJson
            | E::InvalidMember(_)
            | E::InvalidVersion
            | E::UnreadableBody
            | E::Malformed => caller(StatusCode::BAD_REQUEST, "invalid_request"),
            E::UnsupportedGrantType => caller(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            E::CrossOrigin => {
                Self::new(StatusCode::FORBIDDEN, "cross_origin", error, Level::INFO).page(CROSS_ORIGIN)
            }
            E::Prefetch => caller(StatusCode::BAD_REQUEST, "invalid_request").page(LOADED_AHEAD),
            E::BodyTooLarge => caller(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            E::UnsupportedType | E::UnsupportedBody => {
                caller(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            E::PreconditionRequired => caller(StatusCode::PRECONDITION_REQUIRED, "precondition_required"),
            E::TargetTooLong => caller(StatusCode::URI_TOO_LONG, "address_too_long"),
            E::HeadTooLarge => caller(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large"),
            E::Overloaded => caller(StatusCode::SERVICE_UNAVAILABLE, "busy").page(BUSY).retry_in_seconds(1),
            E::NotFound => caller(StatusCode::NOT_FOUND, "not_found"),
            E::MethodNotAllowed { allow } => {
                let response = caller(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                response.header(header::ALLOW, allow)
            }
            E::TooManyRequests { retry_after } => Self::too_many_requests(error, *retry_after, "address"),
            E::NotReady(reason) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason, Level::WARN)
                    .retry_in_seconds(2)
            }
            E::Panicked | E::Unexpected(_) => Self::internal(),
            E::Flow(error) => Self::of_flow(error),
        }
    }

    fn of_flow(error: &FlowError) -> Self {
        let new = Self::new;
        match error {
            FlowError::Unauthenticated(invalid) => Self::unauthenticated(error, *invalid),
            FlowError::InsufficientScope { needed } => {
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
                new(StatusCode::FORBIDDEN, "insufficient_scope", error, Level::INFO)
                    .header(header::WWW_AUTHENTICATE, &challenge)
            }
            FlowError::WrongCredential => new(StatusCode::FORBIDDEN, "wrong_credential", error, Level::INFO),
            FlowError::RoleRequired(_) => {
                new(StatusCode::FORBIDDEN, "requirements_not_met", error, Level::INFO)
            }
            FlowError::UnknownApp => new(StatusCode::FORBIDDEN, "unknown_app", error, Level::INFO),
            FlowError::NoSession => new(StatusCode::CONFLICT, "no_session", error, Level::DEBUG),
            FlowError::SessionData(reason) => match reason {
                SessionDataError::NotObject => {
                    new(StatusCode::BAD_REQUEST, "invalid_request", error, Level::DEBUG)
                }
                SessionDataError::TooLarge => {
                    new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error, Level::DEBUG)
                }
            },
            FlowError::Token(reason) => Self::of_token(reason),
            FlowError::RoleAccount(reason) => Self::of_role_account(reason),
            FlowError::NotFound(_) => new(StatusCode::NOT_FOUND, "not_found", error, Level::DEBUG),
            FlowError::Conflict(_) => new(StatusCode::CONFLICT, "conflict", error, Level::DEBUG),
            FlowError::TooManyRequests { retry_after } => {
                Self::too_many_requests(error, *retry_after, "account")
            }
            FlowError::SignIn(error) => Self::of_sign_in(error),
            FlowError::Permission(error) => Self::of_permission(error),
            FlowError::TokenHandlerUnavailable { retry_after } => {
                let text = "whose the token is cannot be found out now; try again";
                let response =
                    new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &text, Level::WARN);
                Self { retry_after: Some(*retry_after), ..response.page(UNAVAILABLE) }
            }
            FlowError::Busy => Self::busy(1),
            FlowError::StorageUnavailable(_) => {
                let text = "the service cannot reach its database now; try again";
                new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &text, Level::ERROR)
                    .page(UNAVAILABLE)
                    .retry_in_seconds(2)
            }
            FlowError::Internal(_) => Self::internal(),
        }
    }

    fn of_sign_in(error: &SignInError) -> Self {
        let new = Self::new;
        match error {
            SignInError::InvalidNext(reason) => {
                new(StatusCode::BAD_REQUEST, "invalid_next", reason, Level::INFO).page(NOT_ALLOWED)
            }
            SignInError::InvalidHint(reason) => {
                new(StatusCode::BAD_REQUEST, "invalid_request", reason, Level::DEBUG)
            }
            SignInError::UnknownProvider => {
                new(StatusCode::NOT_FOUND, "unknown_provider", error, Level::DEBUG).page(UNKNOWN_PROVIDER)
            }
            SignInError::Callback(refusal) => {
                let (code, page) = of_callback(*refusal);
                new(StatusCode::BAD_REQUEST, code, refusal, Level::INFO).page(page)
            }
            SignInError::ProviderBusy(_) => Self::busy(2),
        }
    }

    fn of_token(error: &TokenError) -> Self {
        let (status, code) = match error {
            TokenError::AdministratorsAlone(_) => (StatusCode::FORBIDDEN, "requirements_not_met"),
            TokenError::LimitReached(_) => (StatusCode::CONFLICT, "limit_reached"),
            TokenError::AlreadyRotated => (StatusCode::CONFLICT, "already_rotated"),
            TokenError::UserDisabled => (StatusCode::UNAUTHORIZED, "invalid_token"),
            TokenError::Unknown => (StatusCode::NOT_FOUND, "not_found"),
            TokenError::Storage(_) => return Self::internal(),
            TokenError::Services(_)
            | TokenError::Narrowing(_)
            | TokenError::RoleAccountsAlone(_)
            | TokenError::JudgesEveryService(_)
            | TokenError::TooLong(_)
            | TokenError::TooShort
            | TokenError::Endless
            | TokenError::LongOverlap(_)
            | TokenError::NamesNoService => (StatusCode::BAD_REQUEST, "invalid_request"),
        };
        Self::new(status, code, error, Level::DEBUG)
    }

    fn of_role_account(error: &RoleAccountError) -> Self {
        let (status, code) = match error {
            RoleAccountError::UsernameTaken(_) => (StatusCode::CONFLICT, "username_taken"),
            RoleAccountError::LimitReached(_) => (StatusCode::CONFLICT, "limit_reached"),
            RoleAccountError::Disabled => (StatusCode::CONFLICT, "role_account_disabled"),
            RoleAccountError::UnfitOwner => (StatusCode::BAD_REQUEST, "invalid_request"),
            RoleAccountError::Unknown => (StatusCode::NOT_FOUND, "not_found"),
            RoleAccountError::Storage(_) => return Self::internal(),
        };
        Self::new(status, code, error, Level::DEBUG)
    }

    fn of_permission(error: &PermissionError) -> Self {
        match error {
            PermissionError::Denied => {
                let text = "access to this service is denied";
                Self::new(StatusCode::FORBIDDEN, "access_denied", &text, Level::WARN)
            }
            PermissionError::Unavailable(failure) => {
                let text = "the permissions cannot be determined now; try again";
                let response = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "permissions_unavailable",
                    &text,
                    Level::ERROR,
                );
                Self { retry_after: Some(failure.retry_after()), ..response }
            }
        }
    }

    /// What is at fault: the `request`, the `token`, its `scope`, or the `server`.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.status, self.code) {
            (status, _) if status.is_server_error() => "server",
            (StatusCode::FORBIDDEN, _) => "scope",
            (StatusCode::UNAUTHORIZED, code) if code != NOT_SIGNED_IN => "token",
            _ => "request",
        }
    }

    /// Without a credential the challenge has no error code (RFC 6750 section 3.1).
    fn unauthenticated(error: &FlowError, invalid: Option<InvalidCredential>) -> Self {
        let (code, challenge) = match invalid {
            None => (NOT_SIGNED_IN, "Bearer"),
            Some(InvalidCredential::SessionIdle) => ("session_idle", "Bearer error=\"invalid_token\""),
            Some(InvalidCredential::SessionNotFresh) => {
                ("session_not_fresh", "Bearer error=\"invalid_token\"")
            }
            Some(InvalidCredential::Superseded) => ("superseded", "Bearer error=\"invalid_token\""),
            Some(InvalidCredential::Reused) => ("reused", "Bearer error=\"invalid_token\""),
            Some(_) => ("invalid_token", "Bearer error=\"invalid_token\""),
        };
        // What a token lacks is nobody's business; what a request asks of a good one is the app's, and what becomes of one that was
        // used before is its holder's.
        let text: &dyn ToString = match &invalid {
            Some(
                told @ (InvalidCredential::SessionIdle
                | InvalidCredential::SessionNotFresh
                | InvalidCredential::Superseded
                | InvalidCredential::Reused),
            ) => told,
            _ => error,
        };
        Self::new(StatusCode::UNAUTHORIZED, code, text, Level::DEBUG)
            .header(header::WWW_AUTHENTICATE, challenge)
    }

    /// RFC 6585 section 4.
    fn too_many_requests(text: &dyn ToString, retry_after: Duration, by: &'static str) -> Self {
        let response = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text, Level::DEBUG);
        Self { retry_after: Some(retry_after), limited_by: Some(by), ..response.page(TOO_MANY) }
    }

    fn busy(seconds: u64) -> Self {
        let text = "more is asked for than can be done now; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text, Level::DEBUG)
            .page(BUSY)
            .retry_in_seconds(seconds)
    }

    fn internal() -> Self {
        let text = "something went wrong on our side";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &text, Level::ERROR).page(OUR_FAULT)
    }

    fn new(status: StatusCode, code: &'static str, text: &dyn ToString, level: Level) -> Self {
        Self {
            status,
            code,
            description: text.to_string(),
            level,
            retry_after: None,
            limited_by: None,
            header: None,
            page: INVALID,
        }
    }

    fn page(self, page: PageText) -> Self {
        Self { page, ..self }
    }

    fn retry_in_seconds(self, seconds: u64) -> Self {
        Self { retry_after: Some(Duration::from_secs(seconds)), ..self }
    }

    /// Adds a header, whose value is one of ours or was parsed before.
    fn header(self, name: HeaderName, value: &str) -> Self {
        Self { header: HeaderValue::from_str(value).ok().map(|value| (name, value)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_an_error_only_where_a_credential_came() {
        let challenge = |error: FlowError| {
            let response = ErrorResponse::of(&error.into());
            let (name, value) = response.header.unwrap();
            (response.status.as_u16(), name, value.to_str().unwrap().to_owned())
        };
        let header = header::WWW_AUTHENTICATE;
        assert_eq!(challenge(FlowError::Unauthenticated(None)), (401, header.clone(), "Bearer".to_owned()));
        assert_eq!(
            challenge(FlowError::Unauthenticated(Some(InvalidCredential::SessionEnded))),
            (401, header.clone(), "Bearer error=\"invalid_token\"".to_owned())
        );
        assert_eq!(
            challenge(FlowError::InsufficientScope { needed: "profile".into() }),
            (403, header, "Bearer error=\"insufficient_scope\", scope=\"profile\"".to_owned())
        );
    }

    #[test]
    fn what_is_at_fault_follows_from_the_answer() {
        let kind = |error: FlowError| ErrorResponse::of(&error.into()).kind();
        assert_eq!(kind(FlowError::Unauthenticated(None)), "request");
        assert_eq!(kind(FlowError::Unauthenticated(Some(InvalidCredential::SessionIdle))), "token");
        assert_eq!(kind(FlowError::InsufficientScope { needed: "profile".into() }), "scope");
        assert_eq!(kind(FlowError::NotFound("token")), "request");
        assert_eq!(kind(FlowError::Busy), "server");
        assert_eq!(kind(FlowError::Internal("x".into())), "server");
    }

    #[test]
    fn a_second_header_cannot_be_smuggled_into_a_challenge() {
        let error = FlowError::InsufficientScope { needed: "a\r\nset-cookie: b".into() };
        assert_eq!(ErrorResponse::of(&error.into()).header, None);
    }
}
