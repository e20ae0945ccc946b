//! What a permission provider is asked.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{AssignedRole, Error, Identity, Result, User};

/// Who wants permissions, and where.
#[derive(Clone, Copy)]
pub struct PermissionRequest<'a> {
    service: &'a str,
    user_id: &'a str,
    context_json: &'a str,
}

impl<'a> PermissionRequest<'a> {
    pub(crate) fn new(service: &'a str, user_id: &'a str, context_json: &'a str) -> Self {
        Self { service, user_id, context_json }
    }

    /// The service that the token is for, by the name that its clients use.
    pub fn service(&self) -> &'a str {
        self.service
    }

    /// The user's id.
    pub fn user_id(&self) -> &'a str {
        self.user_id
    }

    /// The rest of what the host knows about the user. It is parsed only here, so a plugin that needs only the id pays nothing.
    pub fn user(&self) -> Result<User> {
        #[derive(Deserialize)]
        struct Context {
            user: User,
        }
        self.read().map(|context: Context| context.user)
    }

    /// The ways in which the person signs in. Empty unless the plugin is exported with `identities`.
    ///
    /// ```
    /// # use vestibule_plugin_sdk::{PermissionRequest, Result};
    /// fn is_member(request: &PermissionRequest<'_>, organization: u64) -> Result<bool> {
    ///     let mut identities = request.identities()?.into_iter();
    ///     // The number of an organisation says something only together with who vouches for it.
    ///     Ok(identities.any(|identity| {
    ///         identity.issuer == "https://github.com" && identity.organizations.iter().any(|one| one.id == organization)
    ///     }))
    /// }
    /// ```
    pub fn identities(&self) -> Result<Vec<Identity>> {
        #[derive(Deserialize)]
        struct Context {
            #[serde(default)]
            identities: Vec<Identity>,
        }
        self.read().map(|context: Context| context.identities)
    }

    /// The addresses that a provider says are the person's. Empty unless the plugin is exported with `identities`.
    pub fn verified_emails(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Context {
            #[serde(default)]
            verified_emails: Vec<String>,
        }
        self.read().map(|context: Context| context.verified_emails)
    }

    /// The roles that the service's own database gives to the person, at any service: see
    /// [`AssignedRole::counts_at`]. Empty unless the plugin is exported with `identities`.
    pub fn roles(&self) -> Result<Vec<AssignedRole>> {
        #[derive(Deserialize)]
        struct Context {
            #[serde(default)]
            roles: Vec<AssignedRole>,
        }
        self.read().map(|context: Context| context.roles)
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.context_json)
            .map_err(|_| Error::fatal("the host's context has another form than expected"))
    }

    /// The whole context, with members that this SDK does not know.
    pub fn context(&self) -> Result<Map<String, Value>> {
        serde_json::from_str(self.context_json)
            .map_err(|_| Error::fatal("the host's context is not an object"))
    }
}
