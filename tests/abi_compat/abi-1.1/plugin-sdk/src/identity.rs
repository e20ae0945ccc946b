//! What the host knows of a person beyond the user: for plugins that are exported with `identities`.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One way in which a person signs in, as its provider described them the last time. Members that this SDK does not know
/// are kept in `extra`.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// `google:<subject>`, `github:<id>`.
    pub provider_id: String,
    /// Who vouches for it: the URL of the provider.
    #[serde(default)]
    pub issuer: String,
    /// The person's id at the issuer. Only both together name a person.
    #[serde(default)]
    pub subject: String,
    /// The name that the person goes by there. People change it, and others may take it up.
    #[serde(default)]
    pub login: Option<String>,
    /// The address that the provider gave. Worth nothing unless `email_verified`.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the provider says that the address is the person's.
    #[serde(default)]
    pub email_verified: bool,
    /// What else the provider said, by the provider's own names.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// The organisations that the person is a member of there.
    #[serde(default)]
    pub organizations: Vec<Organization>,
    /// Whatever else the host says.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An organisation at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// Its number there, which is its own for ever.
    pub id: u64,
    /// The name that it goes by at the moment. It may be given up, and taken up by another.
    pub login: String,
    /// Whether no other organisation was ever seen under this name: only then the name says which one it is.
    #[serde(default)]
    pub login_is_unique: bool,
}

/// A role that the service's own database gives to the person.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct AssignedRole {
    /// The name of the role.
    pub role: String,
    /// Where it counts; without it, at every service.
    #[serde(default)]
    pub service: Option<String>,
    /// What about the person it was given for: `email domain example.org`.
    #[serde(default)]
    pub because: String,
    /// Whatever else the host says.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl AssignedRole {
    /// Whether the role counts at this service.
    pub fn counts_at(&self, service: &str) -> bool {
        self.service.as_deref().is_none_or(|only| only == service)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({})", self.provider_id)
    }
}

/// Without the reason, which may be an address.
impl fmt::Debug for AssignedRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "AssignedRole({} at {})",
            self.role,
            self.service.as_deref().unwrap_or("every service")
        )
    }
}
