//! What the operations of health answer.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;

use crate::responses::describe;

/// The state of the service.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct HealthAnswer {
    /// `alive` or `ready`.
    pub(crate) status: String,
    /// What the operator should look at all the same: a clock that differs from the database's. Left out when there is nothing.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warnings: Option<Vec<String>>,
}

impl HealthAnswer {
    pub(crate) fn alive() -> Self {
        Self { status: "alive".into(), warnings: None }
    }

    pub(crate) fn ready(warnings: Vec<String>) -> Self {
        Self { status: "ready".into(), warnings: Some(warnings).filter(|warnings| !warnings.is_empty()) }
    }
}

impl Example for HealthAnswer {
    fn example() -> Self {
        Self::ready(vec!["the clock is 50 s ahead of the database's".into()])
    }
}

describe! {
    HealthAnswer: "The service is alive, or ready.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&HealthAnswer::example());
        assert_written_as_documented(&HealthAnswer::alive());
        assert_written_as_documented(&HealthAnswer::ready(Vec::new()));
    }
}
