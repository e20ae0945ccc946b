//! What clients read of an error.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;

/// An error.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct ErrorAnswer {
    /// A stable code, for programs.
    pub(crate) error: String,
    /// One sentence, for people.
    pub(crate) error_description: String,
    /// The id under which the service logged the request; also in the header `X-Request-Id`.
    pub(crate) request_id: String,
}

/// An error of an operation for sessions, tokens or apps.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct TypedErrorAnswer {
    /// A stable code, for programs.
    pub(crate) error: String,
    /// One sentence, for people.
    pub(crate) error_description: String,
    /// The id under which the service logged the request; also in the header `X-Request-Id`.
    pub(crate) request_id: String,
    /// What is at fault: the `request`, the `token`, its `scope`, or the `server`.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub(crate) kind: String,
    /// The status.
    pub(crate) code: u16,
    /// The same as `error_description`.
    pub(crate) msg: String,
}

impl Example for TypedErrorAnswer {
    fn example() -> Self {
        let text = "the session has not been used for longer than this request allows";
        Self {
            error: "session_idle".into(),
            error_description: text.into(),
            request_id: "5f0c6a1d9b3e4c27".into(),
            kind: "token".into(),
            code: 401,
            msg: text.into(),
        }
    }
}

impl Example for ErrorAnswer {
    fn example() -> Self {
        Self {
            error: "invalid_next".into(),
            error_description: "the origin of next is not one of the allowed origins".into(),
            request_id: "5f0c6a1d9b3e4c27".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn an_error_is_written_as_the_document_describes_it() {
        assert_written_as_documented(&ErrorAnswer::example());
        assert_written_as_documented(&TypedErrorAnswer::example());
    }
}
