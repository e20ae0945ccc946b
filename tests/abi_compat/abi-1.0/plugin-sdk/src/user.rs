//! A user, as the host describes one.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// A user. Members that this SDK does not know are kept in `extra`.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Stable for ever.
    pub id: String,
    /// The person's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The address that a provider verified. Personal: keep it out of logs.
    #[serde(default)]
    pub email: Option<String>,
    /// Chosen once by the person; absent until then.
    #[serde(default)]
    pub username: Option<String>,
    /// The person's picture.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// The identity that the person came with: `google:<subject>`, `github:<id>`.
    #[serde(default)]
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
