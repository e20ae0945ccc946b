//! A sample extension: notes in the log who is new, signs in and signs out, and counts the sign-ins of each user in
//! `attributes.sample.sign_ins`, where later extensions and permission providers can read it. It has no configuration.
//!
//! It logs ids, never addresses or names: a log outlives its purpose.

use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Level, Logger, OnNewUser, OnUserLogin, OnUserLogout, Patch, Plugin, Result, User, Value,
    export_plugin, json,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

struct SampleExtension {
    log: Logger,
}

impl SampleExtension {
    fn note(&self, what: &str, user: &User) {
        self.log.event(Level::Info, what, &json!({ "user_id": user.id }));
    }
}

impl Plugin for SampleExtension {
    type Config = Config;

    fn create(_alias: &str, _config: Config, log: Logger) -> Result<Self> {
        Ok(Self { log })
    }
}

impl OnNewUser for SampleExtension {
    fn on_new_user(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note("a new user", user);
        Ok(None)
    }
}

impl OnUserLogin for SampleExtension {
    fn on_user_login(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note("a user signed in", user);
        Ok(Some(Patch::new().set("attributes.sample.sign_ins", sign_ins(user).saturating_add(1))))
    }
}

impl OnUserLogout for SampleExtension {
    fn on_user_logout(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note("a user signed out", user);
        Ok(None)
    }
}

/// How often the user has signed in so far. Anything odd under that name counts as never.
fn sign_ins(user: &User) -> u64 {
    let sample = user.attributes.get("sample");
    sample.and_then(|sample| sample.get("sign_ins")).and_then(Value::as_u64).unwrap_or(0)
}

export_plugin!(SampleExtension: on_new_user, on_user_login, on_user_logout);

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::testing::Harness;

    fn plugin() -> Harness<SampleExtension> {
        Harness::new(&json!({})).unwrap()
    }

    #[test]
    fn sign_ins_are_counted() {
        for (attributes, count) in [
            (json!({}), 1),
            (json!({"sample": {"sign_ins": 1}}), 2),
            (json!({"sample": {"sign_ins": "x"}}), 1),
            (json!({"sample": 3}), 1),
        ] {
            let user = json!({"id": "u1", "attributes": attributes});
            let reply = plugin().on_user_login(&user).unwrap().reply.unwrap();
            assert_eq!(reply, json!({"attributes": {"sample": {"sign_ins": count}}}));
        }
    }

    #[test]
    fn the_log_has_the_id_and_not_the_address() {
        let plugin = plugin();
        let user = json!({"id": "u1", "name": "Ada", "email": "ada@example.org"});
        for answer in [plugin.on_new_user(&user), plugin.on_user_login(&user), plugin.on_user_logout(&user)] {
            assert_eq!(answer.unwrap().error, None);
        }
        let log = format!("{:?}", plugin.log());
        assert_eq!(plugin.log().len(), 3);
        assert!(log.contains("u1") && !log.contains("ada@") && !log.contains("Ada"), "{log}");
    }
}
