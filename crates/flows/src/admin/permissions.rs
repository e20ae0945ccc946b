//! Why a user may do what at a service.

use serde_json::{Map, Value};
use vestibule_domain::{LinkedIdentity, ServiceName, User};
use vestibule_plugin_host::{PermissionRequest, PluginHost};

use super::administration::Administration;
use super::error::AdminError;

/// What the plugin of a service says about a user.
#[derive(Debug, Clone, PartialEq)]
pub enum ExplainedPermissions {
    /// The permissions and the reasons for them, as the plugin states them.
    Explained(Map<String, Value>),
    /// The permissions alone: the plugin does not explain them.
    Unexplained(Map<String, Value>),
}

impl Administration<'_> {
    /// Asks the plugin of a service what a user may do there and why. The identity of the last sign-in stands for the one that
    /// a session would name.
    pub async fn explain_permissions(
        &self,
        plugins: &PluginHost,
        service: &ServiceName,
        user: &User,
    ) -> Result<ExplainedPermissions, AdminError> {
        let user_context = self.storage().find_user_context(&user.id).await?;
        let provider_id =
            user_context.identities.first().map(LinkedIdentity::provider_id).unwrap_or_default();
        let request = PermissionRequest {
            service,
            user,
            provider_id: Some(&provider_id),
            session: None,
            user_context: Some(&user_context),
            memo: None,
        };
        if let Some(explanation) = plugins.explain(&request).await.map_err(AdminError::Plugin)? {
            return Ok(ExplainedPermissions::Explained(explanation));
        }
        let permissions = plugins.permissions(&request).await.map_err(AdminError::Plugin)?;
        Ok(ExplainedPermissions::Unexplained(permissions))
    }
}
