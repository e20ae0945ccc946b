//! What an authorization answers, word for word as clients know it.

use std::collections::BTreeMap;

use poem_openapi::types::{Any, Example};
use poem_openapi::{Object, Union};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use vestibule_flows::PermissionGrant;

use crate::responses::describe;

/// The answer to a request for permissions.
#[derive(Union, Serialize)]
#[serde(untagged)]
pub(crate) enum AuthorizationAnswer {
    /// A token for the service.
    Granted(Granted),
    /// No token: nobody is signed in, or the service is not configured.
    Nothing(Nothing),
}

/// Names and values, as the permission provider chose them.
type Permissions = BTreeMap<String, Any<Value>>;

/// A permission token and what it says.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct Granted {
    /// The permission token, to be sent to the service.
    pub(crate) token: String,
    /// Whose permissions these are.
    pub(crate) userid: String,
    /// What the service's permission provider answered.
    pub(crate) permissions: Permissions,
    /// The service.
    pub(crate) service: String,
}

impl From<&PermissionGrant> for Granted {
    fn from(grant: &PermissionGrant) -> Self {
        let permissions = grant.permissions.iter();
        Self {
            token: grant.token.token.expose_secret().to_owned(),
            userid: grant.user_id.to_string(),
            permissions: permissions.map(|(name, value)| (name.clone(), Any(value.clone()))).collect(),
            service: grant.service.to_string(),
        }
    }
}

impl Example for Granted {
    fn example() -> Self {
        Self {
            token: "eyJhbGciOiJSUzI1NiIsInR5cCI6InBlcm1pc3Npb24rand0In0.eyJzZXJ2aWNlIjoic3RvcmFnZSJ9.c2lnbmF0dXJl".into(),
            userid: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            permissions: Permissions::from([
                ("read".into(), Any(Value::from(true))),
                ("write".into(), Any(Value::from(false))),
            ]),
            service: "storage".into(),
        }
    }
}

/// No permissions, and no token.
#[derive(Default, Object, Serialize)]
#[oai(example)]
pub(crate) struct Nothing {
    /// Always empty.
    pub(crate) permissions: Permissions,
}

impl Example for Nothing {
    fn example() -> Self {
        Self::default()
    }
}

describe! {
    AuthorizationAnswer: "A permission token, or no permissions and no token.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&Granted::example());
        assert_written_as_documented(&Nothing::example());
    }
}
