//! A plugin of version 1.1 with every operation and every flag. It does what the one in C beside it does.

use std::time::Duration;

use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Error, Explain, Explanation, Health, Level, Logger, Map, OnNewUser, OnUserLogin, OnUserLogout, Patch,
    PermissionProvider, PermissionRequest, Plugin, Reason, Result, User, Value, export_plugin, json,
};

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mood {
    #[default]
    Well,
    Unwell,
    Refuse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    mood: Mood,
}

struct Museum {
    mood: Mood,
    log: Logger,
}

impl Plugin for Museum {
    type Config = Config;

    fn create(alias: &str, config: Config, log: Logger) -> Result<Self> {
        log.info(&format!("made as {alias}"));
        match config.mood {
            Mood::Refuse => Err(Error::fatal("it refuses")),
            mood => Ok(Self { mood, log }),
        }
    }
}

impl PermissionProvider for Museum {
    fn get_permissions(&self, call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
        match request.user_id() {
            "retry" => return Err(Error::retry("later")),
            "deny" => return Err(Error::deny("not you")),
            "fatal" => return Err(Error::fatal("broken")),
            "silent" => return Err(Error::NoOpinion),
            "panic" => panic!("as it was asked to"),
            _ => {}
        }
        if call.remaining().is_zero() {
            return Err(Error::retry("too late"));
        }
        if !request.context()?.contains_key("identities") {
            return Err(Error::fatal("no identities"));
        }
        call.cache_for(Duration::from_secs(60));
        let named = request.user()?.name.as_deref() == Some("Ada Lovelace");
        let permissions = [
            ("service".to_owned(), json!(request.service())),
            ("user".to_owned(), json!(request.user_id())),
            ("named".to_owned(), json!(named)),
        ];
        Ok(Map::from_iter(permissions))
    }
}

impl Explain for Museum {
    fn explain(&self, call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Explanation> {
        let permissions = self.get_permissions(call, request)?;
        Ok(Explanation { permissions, because: vec![Reason::new("museum", json!([]), "it always did")] })
    }
}

impl OnNewUser for Museum {
    fn on_new_user(&self, _call: &CallCtx<'_>, _user: &User) -> Result<Option<Patch>> {
        Ok(Some(Patch::new().set("attributes.museum", "new")))
    }
}

impl OnUserLogin for Museum {
    fn on_user_login(&self, _call: &CallCtx<'_>, _user: &User) -> Result<Option<Patch>> {
        Ok(Some(Patch::new().set("attributes.museum", "login")))
    }
}

impl OnUserLogout for Museum {
    fn on_user_logout(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.log.event(Level::Info, "signed out", &json!({ "user_id": user.id }));
        Ok(None)
    }
}

impl Health for Museum {
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        if self.mood == Mood::Well { Ok(()) } else { Err(Error::fatal("unwell")) }
    }
}

export_plugin!(
    Museum { config_schema: "{}" }:
    permissions, explain, identities, on_new_user, on_user_login, on_user_logout, health, serial
);
