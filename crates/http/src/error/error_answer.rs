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
    }
}
