//! A permission provider: answers each configured permission with whether the user has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Error, Level, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result,
    Value, export_plugin, json,
};

/// What the operator writes under `config`; `schema.json` says the same for people and tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Each permission with the ids of the users who have it.
    grants: BTreeMap<String, BTreeSet<String>>,
}

struct Grants {
    grants: BTreeMap<String, BTreeSet<String>>,
    log: Logger,
}

impl Plugin for Grants {
    type Config = Config;

    fn create(_alias: &str, config: Config, log: Logger) -> Result<Self> {
        if config.grants.is_empty() {
            return Err(Error::fatal("`grants` names no permission"));
        }
        Ok(Self {
            grants: config.grants,
            log,
        })
    }
}

impl PermissionProvider for Grants {
    fn get_permissions(
        &self,
        _call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        self.log.event(
            Level::Debug,
            "asked for permissions",
            &json!({ "service": request.service() }),
        );
        let has = |users: &BTreeSet<String>| Value::from(users.contains(request.user_id()));
        Ok(self
            .grants
            .iter()
            .map(|(permission, users)| (permission.clone(), has(users)))
            .collect())
    }
}

export_plugin!(Grants { config_schema: include_str!("../schema.json") }: permissions);

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::testing::Harness;

    #[test]
    fn a_user_has_what_was_granted_and_nothing_else() {
        let config = json!({"grants": {"read": ["ada", "bob"], "write": ["ada"]}});
        let plugin = Harness::<Grants>::new(&config).unwrap();
        let of = |user_id| {
            plugin
                .get_permissions("billing", user_id)
                .unwrap()
                .reply
                .unwrap()
        };
        assert_eq!(of("ada"), json!({"read": true, "write": true}));
        assert_eq!(of("bob"), json!({"read": true, "write": false}));
        assert_eq!(of("eve"), json!({"read": false, "write": false}));
    }

    #[test]
    fn a_configuration_that_makes_no_sense_is_refused() {
        for config in [
            json!({}),
            json!({"grants": {}}),
            json!({"grants": {"read": []}, "other": 1}),
        ] {
            assert!(Harness::<Grants>::new(&config).is_err(), "{config}");
        }
    }

    #[test]
    fn the_schema_is_json() {
        let schema: Value = include_str!("../schema.json").parse().unwrap();
        assert_eq!(schema["required"], json!(["grants"]));
    }
}
