//! What an author implements. Each operation is a trait without default methods: to list one in
//! [`export_plugin!`](crate::export_plugin) without implementing it does not compile.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{CallCtx, Logger, Patch, PermissionRequest, Result, User};

/// One configured instance of a plugin. The host may make several, each with its own configuration.
///
/// Its operations run on threads of the host, several at once unless the plugin is exported as `serial`. Dropping it
/// ends the instance; the host does that after the last operation, and not at all when the process ends first.
pub trait Plugin: Send + Sync + Sized + 'static {
    /// What the operator writes under `config`. Deny unknown fields, so that a misspelt one stops the start.
    type Config: DeserializeOwned;

    /// Makes an instance. An error stops the start of the service, and its text tells the operator why.
    fn create(alias: &str, config: Self::Config, log: Logger) -> Result<Self>;
}

/// Answers what a user may do at a service.
pub trait PermissionProvider: Plugin {
    /// The permissions, as they will stand in the token. An empty object is an answer; an error means no token.
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>>;
}

/// Hears of each new user, before `OnUserLogin` does.
pub trait OnNewUser: Plugin {
    /// May change the user. An error is logged, and the sign-in goes on.
    fn on_new_user(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>>;
}

/// Hears of each sign-in.
pub trait OnUserLogin: Plugin {
    /// May change the user. An error is logged, and the sign-in goes on.
    fn on_user_login(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>>;
}

/// Hears of each sign-out.
pub trait OnUserLogout: Plugin {
    /// May change the user. An error is logged, and the sign-out goes on.
    fn on_user_logout(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>>;
}

/// Says whether the instance is able to work: part of the service's `/readyz`.
pub trait Health: Plugin {
    /// An error says no, and why. Be quick.
    fn health(&self, call: &CallCtx<'_>) -> Result<()>;
}
