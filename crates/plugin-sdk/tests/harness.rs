//! A plugin with every operation, driven through its table.
#![cfg(test)]

use std::time::Duration;

use vestibule_plugin_sdk::abi::{code, level};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{
    CallCtx, Error, Health, Logger, Map, OnNewUser, OnUserLogin, Patch, PermissionProvider,
    PermissionRequest, Plugin, Result, User, Value, export::Export, export_plugin, json,
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    #[serde(default)]
    panic_in: String,
    #[serde(default)]
    limit: u32,
}

struct Everything {
    panic_in: String,
    limit: u32,
    log: Logger,
}

impl Everything {
    fn panic_if(&self, place: &str) {
        assert!(self.panic_in != place, "boom in {place}");
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        self.panic_if("destroy");
    }
}

impl Plugin for Everything {
    type Config = Config;

    fn create(alias: &str, config: Config, log: Logger) -> Result<Self> {
        log.info(&format!("made as {alias}"));
        let plugin = Self { panic_in: config.panic_in, limit: config.limit, log };
        plugin.panic_if("create");
        Ok(plugin)
    }
}

impl PermissionProvider for Everything {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        self.panic_if("permissions");
        assert!(call.remaining() > Duration::ZERO);
        call.cache_for(Duration::from_secs(60));
        match request.service() {
            "retry" => Err(Error::retry("away")),
            "deny" => Err(Error::deny("not you")),
            "nothing" => Err(Error::NoOpinion),
            service => {
                let name = request.user()?.name;
                Ok(Map::from_iter([
                    (service.to_owned(), self.limit.into()),
                    ("name".to_owned(), json!(name)),
                ]))
            }
        }
    }
}

impl OnNewUser for Everything {
    fn on_new_user(&self, _call: &CallCtx<'_>, _user: &User) -> Result<Option<Patch>> {
        self.log.warn("a new user");
        Ok(None)
    }
}

impl OnUserLogin for Everything {
    fn on_user_login(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        let later = user.extra.get("from_a_later_host").cloned().unwrap_or_default();
        Ok(Some(Patch::new().set("attributes.seen.later", later)))
    }
}

impl Health for Everything {
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        if self.limit == 0 { Err(Error::retry("the limit is zero")) } else { Ok(()) }
    }
}

export_plugin!(Everything { version: "1.2.3", config_schema: "{}" }: permissions, on_new_user, on_user_login, health, serial);

fn made(config: &Value) -> Harness<Everything> {
    Harness::new(config).expect("the plugin is made")
}

#[test]
fn an_answer_goes_through_the_table_with_its_time_to_live() {
    let plugin = made(&json!({"limit": 7}));
    let answer = plugin.get_permissions_of("billing", &json!({"id": "u1", "name": "Ada"})).unwrap();
    assert_eq!(answer.code, code::OK);
    assert_eq!(answer.reply, Some(json!({"billing": 7, "name": "Ada"})));
    assert_eq!(answer.ttl, Some(Duration::from_secs(60)));
}

#[test]
fn every_error_has_its_code_and_its_text() {
    let plugin = made(&json!({}));
    for (service, code, text) in [
        ("retry", code::RETRY, Some("away")),
        ("deny", code::DENY, Some("not you")),
        ("nothing", code::NO_OPINION, None),
    ] {
        let answer = plugin.get_permissions(service, "u1").unwrap();
        assert_eq!((answer.code, answer.error.as_deref(), answer.reply), (code, text, None));
    }
}

#[test]
fn a_hook_may_change_a_user_or_not_and_keeps_unknown_members() {
    let plugin = made(&json!({}));
    let answer = plugin.on_user_login(&json!({"id": "u1", "from_a_later_host": [1]})).unwrap();
    assert_eq!(answer.reply, Some(json!({"attributes": {"seen": {"later": [1]}}})));
    let answer = plugin.on_new_user(&json!({"id": "u1"})).unwrap();
    assert_eq!((answer.code, answer.reply), (code::OK, None));
    assert!(plugin.log().contains(&(level::WARN, "a new user".to_owned(), String::new())));
}

#[test]
fn an_operation_that_is_not_listed_is_not_in_the_table() {
    let table = Everything::table();
    assert!(table.on_user_logout.is_none() && table.on_user_login.is_some());
    assert_eq!(table.flags, 1);
    assert_eq!(made(&json!({})).on_user_logout(&json!({"id": "u1"})), None);
}

#[test]
fn health_says_why_not() {
    assert_eq!(made(&json!({"limit": 1})).health().unwrap().code, code::OK);
    let answer = made(&json!({})).health().unwrap();
    assert_eq!((answer.code, answer.error.as_deref()), (code::RETRY, Some("the limit is zero")));
}

#[test]
fn a_wrong_configuration_is_refused_without_repeating_its_texts() {
    let error = Harness::<Everything>::new(&json!({"limit": "hunter2"})).err().unwrap();
    assert_eq!(error.code, code::FATAL);
    let text = error.error.unwrap();
    assert!(text.starts_with("configuration: invalid type: string (text), expected u32"), "{text}");
    let text = Harness::<Everything>::new(&json!({"limt": 1})).err().unwrap().error.unwrap();
    assert!(text.contains("unknown field `limt`"), "{text}");
}

#[test]
fn e3_a_panic_in_an_operation_is_a_code_and_the_next_call_is_fine() {
    let plugin = made(&json!({"panic-in": "permissions"}));
    let answer = plugin.get_permissions("billing", "u1").unwrap();
    assert_eq!((answer.code, answer.reply), (code::PANIC, None));
    assert_eq!(answer.error.as_deref(), Some("panic: boom in permissions"));
    let place = plugin.log().into_iter().find(|line| line.0 == level::ERROR).unwrap().1;
    assert!(place.starts_with("the plugin panicked at "), "{place}");
    assert!(place.contains("harness.rs:"), "{place}");
    assert_eq!(plugin.on_new_user(&json!({"id": "u1"})).unwrap().code, code::OK);
}

#[test]
fn e3_a_panic_in_create_is_a_code() {
    let error = Harness::<Everything>::new(&json!({"panic-in": "create"})).err().unwrap();
    assert_eq!((error.code, error.error.as_deref()), (code::PANIC, Some("panic: boom in create")));
}

#[test]
fn e3_a_panic_in_destroy_goes_no_further() {
    drop(made(&json!({"panic-in": "destroy"})));
}
