//! A user, as the host describes one.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// A user. Members that this SDK does not know are kept in `extra`. Serializes to the object that the host gave, for plugins
/// that pass it on.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Stable for ever.
    pub id: String,
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address that a provider verified. Personal: keep it out of logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Chosen once by the person; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The person's picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// The identity that the person came with: `google:<subject>`, `github:<id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What extensions keep about the user.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Whatever else the host says.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl User {
    pub(crate) fn from_json(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|_| Error::fatal("the host's user has another form than expected"))
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "User({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_user_is_passed_on_as_the_host_gave_it() {
        for given in [
            json!({"id": "u1", "attributes": {}}),
            json!({"id": "u1", "name": "Ada", "attributes": {"team": 1}, "later": {"of": [null]}}),
        ] {
            assert_eq!(json!(User::from_json(&given.to_string()).unwrap()), given);
        }
    }
}
