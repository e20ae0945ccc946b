//! A sample permission provider: for every user and service it answers
//! `{"provider-token": "<service>-<user id>"}`, and one boolean permission more if the configuration names one:
//!
//! ```toml
//! [plugin.billing]
//! config = { permission = "admin", granted = true }
//! ```
//!
//! It knows nobody and refuses nobody: it is there to be read, and to see the service work.

use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Error, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result, Value, export_plugin,
};

/// The permission that is always answered.
const PROVIDER_TOKEN: &str = "provider-token";

/// What the operator may configure; `schema.json` says the same for people and tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    permission: Option<String>,
    granted: Option<bool>,
}

struct SamplePermissions {
    extra: Option<(String, bool)>,
}

impl Plugin for SamplePermissions {
    type Config = Config;

    fn create(_alias: &str, config: Config, _log: Logger) -> Result<Self> {
        match (config.permission, config.granted) {
            (None, Some(_)) => Err(Error::fatal("`granted` needs a `permission` that it is about")),
            (Some(name), _) if name.is_empty() || name == PROVIDER_TOKEN => {
                Err(Error::fatal("`permission` must be a name of its own"))
            }
            (permission, granted) => {
                Ok(Self { extra: permission.map(|name| (name, granted.unwrap_or(false))) })
            }
        }
    }
}

impl PermissionProvider for SamplePermissions {
    fn get_permissions(
        &self,
        _call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        let token = format!("{}-{}", request.service(), request.user_id());
        let mut permissions = Map::from_iter([(PROVIDER_TOKEN.to_owned(), Value::from(token))]);
        if let Some((name, granted)) = &self.extra {
            permissions.insert(name.clone(), Value::from(*granted));
        }
        Ok(permissions)
    }
}

export_plugin!(SamplePermissions { config_schema: include_str!("../schema.json") }: permissions);

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::{json, testing::Harness};

    fn answer(config: &Value) -> Value {
        let plugin = Harness::<SamplePermissions>::new(config).unwrap();
        plugin.get_permissions("billing", "u1").unwrap().reply.unwrap()
    }

    #[test]
    fn the_token_names_service_and_user() {
        assert_eq!(answer(&json!({})), json!({"provider-token": "billing-u1"}));
    }

    #[test]
    fn a_configured_permission_is_denied_unless_granted() {
        let denied = json!({"provider-token": "billing-u1", "admin": false});
        assert_eq!(answer(&json!({"permission": "admin"})), denied);
        let granted = json!({"provider-token": "billing-u1", "admin": true});
        assert_eq!(answer(&json!({"permission": "admin", "granted": true})), granted);
    }

    #[test]
    fn a_configuration_that_makes_no_sense_is_refused() {
        let odd = [
            json!({"granted": true}),
            json!({"permission": ""}),
            json!({"permission": "provider-token"}),
            json!({"permision": "x"}),
        ];
        for config in odd {
            assert!(Harness::<SamplePermissions>::new(&config).is_err(), "{config}");
        }
    }

    #[test]
    fn the_schema_is_json() {
        let schema: Value = include_str!("../schema.json").parse().unwrap();
        assert_eq!(schema["title"], "sample-permissions");
    }
}
