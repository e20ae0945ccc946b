//! What a token handler is asked, and what it answers.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// A token that is not one of the service's own, and where it was presented.
///
/// The token is a secret: it belongs in no log and no error text. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    token: &'a str,
    context_json: &'a str,
}

impl<'a> TokenRequest<'a> {
    pub(crate) fn new(token: &'a str, context_json: &'a str) -> Self {
        Self { token, context_json }
    }

    /// The token, of at most 4 KiB. Whoever can reach the service chooses it.
    pub fn token(&self) -> &'a str {
        self.token
    }

    /// Where and for what the token was presented. An answer that [may be used again](crate::CallCtx::cache_for) is used for
    /// the same token and app, whatever else stands here.
    pub fn context(&self) -> Result<TokenContext> {
        serde_json::from_str(self.context_json)
            .map_err(|_| Error::fatal("the host's context has another form than expected"))
    }
}

impl fmt::Debug for TokenRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenRequest(..)")
    }
}

/// Where and for what a token was presented. Members that this SDK does not know are kept in `extra`. Serializes to the object
/// that the host gave, for plugins that pass it on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenContext {
    /// `api`: a request to the service itself; `forward_auth`: a request to an app that asks the service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// The app or service that it was presented for, if it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The method of the request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The path of the request, without its query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The address of the client.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// Whatever else the host says.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Whom a token stands for.
///
/// ```
/// use vestibule_plugin_sdk::{TokenIdentity, json};
///
/// let identity = TokenIdentity::role_account("builds")
///     .fullname("The builds")
///     .services(["storage"])
///     .scopes(["read", "write"])
///     .metadata(json!({"team": "core"}));
/// let expected = json!({
///     "uid": "builds", "roleaccount": true, "fullname": "The builds", "services": ["storage"], "scopes": ["read", "write"],
///     "metadata": {"team": "core"},
/// });
/// assert_eq!(serde_json::to_value(identity).unwrap(), expected);
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct TokenIdentity(Map<String, Value>);

impl TokenIdentity {
    /// A program that is known by this id to the plugin alone: 1 to 63 visible ASCII characters. The service knows it as
    /// `alias:uid`.
    pub fn role_account(uid: impl Into<String>) -> Self {
        Self::new(uid.into(), true)
    }

    /// A person of the service's own, by the id that the service has for them. Counts only where the operator lets the plugin
    /// name users.
    pub fn person(user_id: impl Into<String>) -> Self {
        Self::new(user_id.into(), false)
    }

    fn new(uid: String, roleaccount: bool) -> Self {
        Self(Map::from_iter([("uid".to_owned(), uid.into()), ("roleaccount".to_owned(), roleaccount.into())]))
    }

    /// A name for people.
    #[must_use]
    pub fn fullname(self, name: impl Into<String>) -> Self {
        self.with("fullname", name.into())
    }

    /// An address that is the holder's, for sure.
    #[must_use]
    pub fn email(self, address: impl Into<String>) -> Self {
        self.with("email", address.into())
    }

    /// Where the token counts: names of services and apps, or `*` alone. Without it, at the app that it was presented for.
    #[must_use]
    pub fn services<S: Into<String>>(self, services: impl IntoIterator<Item = S>) -> Self {
        self.with("services", texts(services))
    }

    /// The permissions that the token lends. Without it, the words of `scope` in the metadata.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.with("scopes", texts(scopes))
    }

    /// An object that apps are told.
    #[must_use]
    pub fn metadata(self, metadata: impl Into<Value>) -> Self {
        self.with("metadata", metadata)
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.insert(member.to_owned(), value.into());
        self
    }
}

fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Value {
    texts.into_iter().map(|text| Value::from(text.into())).collect()
}

/// For an answer that comes from elsewhere. The host judges it.
impl From<Map<String, Value>> for TokenIdentity {
    fn from(identity: Map<String, Value>) -> Self {
        Self(identity)
    }
}

/// Without anything of it: it is personal.
impl fmt::Debug for TokenIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenIdentity(..)")
    }
}
