//! What is said between the plugin and a worker. `bridge.py` has the other half.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vestibule_plugin_sdk::{Map, TokenContext, Value};

/// The functions that a module may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Function {
    GetPermissions,
    OnNewUser,
    OnUserLogin,
    OnUserLogout,
    ResolveToken,
}

impl Function {
    pub(crate) const ALL: [Self; 5] =
        [Self::GetPermissions, Self::OnNewUser, Self::OnUserLogin, Self::OnUserLogout, Self::ResolveToken];

    /// Its name in the module.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GetPermissions => "get_permissions",
            Self::OnNewUser => "on_new_user",
            Self::OnUserLogin => "on_user_login",
            Self::OnUserLogout => "on_user_logout",
            Self::ResolveToken => "resolve_token",
        }
    }
}

/// The first message to a worker.
#[derive(Serialize)]
pub(crate) struct Hello<'a> {
    pub(crate) module: &'a str,
    pub(crate) path: &'a [PathBuf],
    pub(crate) retry_on: &'a [String],
}

/// Every later message to a worker.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Request<'a> {
    Permissions { call: Function, service: &'a str, userid: &'a str },
    Event { call: Function, user: &'a Map<String, Value> },
    Token { call: Function, token: &'a str, context: &'a TokenContext },
}

impl Request<'_> {
    pub(crate) fn function(&self) -> Function {
        match self {
            Self::Permissions { call, .. } | Self::Event { call, .. } | Self::Token { call, .. } => *call,
        }
    }
}

/// Every message of a worker.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The module is imported.
    Ready(Ready),
    /// What `get_permissions` returned: a dict or `None`.
    Permissions(Option<Map<String, Value>>),
    /// What `resolve_token` returned: a dict or `None`.
    Identity(Option<Map<String, Value>>),
    /// What a hook left of the user: the members that it may change, and the names of others that it changed.
    User { kept: Map<String, Value>, ignored: Vec<String> },
    /// What the function gave is no answer.
    Unfit(String),
    /// The import or the function raised.
    Exception(Exception),
}

/// What the module has, and who runs it.
#[derive(Deserialize)]
pub(crate) struct Ready {
    pub(crate) functions: Vec<Function>,
    pub(crate) version: String,
}

/// An exception of the module.
#[derive(Debug, Deserialize)]
pub(crate) struct Exception {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
    /// From outside to inside: file, line and function.
    pub(crate) frames: Vec<String>,
    /// The types of what led to it.
    pub(crate) causes: Vec<String>,
    /// Whether the operator has said that it passes.
    pub(crate) retry: bool,
}
