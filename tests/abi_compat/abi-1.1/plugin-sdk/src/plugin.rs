//! What an author implements. Each operation is a trait without default methods: to list one in
//! [`export_plugin!`](crate::export_plugin) without implementing it does not compile.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{CallCtx, Explanation, Logger, Patch, PermissionRequest, Result, User};

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

/// Says why a user has the permissions that they have: what `vestibule permissions explain` shows to an operator.
///
/// ```
/// # use vestibule_plugin_sdk::{
/// #     CallCtx, Explain, Explanation, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Reason, Result, Value, json,
/// # };
/// # struct Readers;
/// # impl Plugin for Readers {
/// #     type Config = Map<String, Value>;
/// #     fn create(_: &str, _: Self::Config, _: Logger) -> Result<Self> { Ok(Self) }
/// # }
/// impl Explain for Readers {
///     fn explain(&self, _call: &CallCtx<'_>, _request: &PermissionRequest<'_>) -> Result<Explanation> {
///         let permissions = Map::from_iter([("read".to_owned(), Value::from(true))]);
///         let because = vec![Reason::new("readers", permissions.clone(), "Everybody may read.")];
///         Ok(Explanation { permissions, because })
///     }
/// }
///
/// impl PermissionProvider for Readers {
///     fn get_permissions(&self, call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
///         self.explain(call, request).map(|explanation| explanation.permissions)
///     }
/// }
/// # vestibule_plugin_sdk::export_plugin!(Readers: permissions, explain);
/// ```
pub trait Explain: PermissionProvider {
    /// The permissions that `get_permissions` gives to the same request, with the rules that they come from. An operator
    /// trusts it, so compute both in one place.
    fn explain(&self, call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Explanation>;
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
///
/// ```
/// # use vestibule_plugin_sdk::{CallCtx, Error, Health, Logger, Map, Plugin, Result, Value};
/// # struct Files(std::path::PathBuf);
/// # impl Plugin for Files {
/// #     type Config = Map<String, Value>;
/// #     fn create(_: &str, _: Self::Config, _: Logger) -> Result<Self> { Ok(Self("roles.toml".into())) }
/// # }
/// impl Health for Files {
///     fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
///         if self.0.exists() { Ok(()) } else { Err(Error::retry("the file with the roles is gone")) }
///     }
/// }
/// ```
pub trait Health: Plugin {
    /// An error says no, and why. Be quick.
    fn health(&self, call: &CallCtx<'_>) -> Result<()>;
}
