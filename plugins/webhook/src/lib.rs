//! Any HTTP service as permission provider, extension or token handler: each operation is one signed POST, and its answer is the
//! operation's.
//!
//! **Owns** the messages, their signatures (Standard Webhooks 1.0.0), the reading of answers without trust, and the
//! retries within the time that a call has. **Does not own** any cache or breaker: those are the host's.
//!
//! To add an operation: its body in `message`, its trait here, what may answer it in `answer`.

mod backoff;
mod client;
mod clock;
mod config;
mod delivery;
#[cfg(test)]
mod fuzzing;
mod json;
mod message;
mod outcome;
mod reply;
mod signature;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use vestibule_plugin_sdk::{
    CallCtx, Logger, Map, OnNewUser, OnUserLogin, OnUserLogout, Patch, PermissionProvider, PermissionRequest,
    Plugin, Result, TokenHandler, TokenIdentity, TokenRequest, User, Value, export_plugin,
};

use message::Event;
use reply::{Question, Reply};
use webhook::Webhook;

impl Plugin for Webhook {
    type Config = config::Config;

    fn create(alias: &str, config: Self::Config, log: Logger) -> Result<Self> {
        Self::new(alias, &config, log)
    }
}

impl PermissionProvider for Webhook {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        let body = message::permissions(request, self.send_identities)?;
        match self.ask(call, Question::Permissions, body)? {
            Reply::Permissions { permissions, ttl_seconds } => {
                allow_reuse(call, ttl_seconds);
                Ok(permissions)
            }
            Reply::Identity { .. } | Reply::Patch(_) | Reply::Nothing => {
                Err(reply::does_not_fit(Question::Permissions))
            }
        }
    }
}

impl TokenHandler for Webhook {
    fn resolve_token(&self, call: &CallCtx<'_>, request: &TokenRequest<'_>) -> Result<TokenIdentity> {
        match self.ask(call, Question::Token, message::token(request)?)? {
            Reply::Identity { identity, ttl_seconds } => {
                allow_reuse(call, ttl_seconds);
                Ok(identity.into())
            }
            Reply::Permissions { .. } | Reply::Patch(_) | Reply::Nothing => {
                Err(reply::does_not_fit(Question::Token))
            }
        }
    }
}

fn allow_reuse(call: &CallCtx<'_>, ttl_seconds: Option<u32>) {
    if let Some(seconds) = ttl_seconds {
        call.cache_for(Duration::from_secs(seconds.into()));
    }
}

impl Webhook {
    fn tell(&self, call: &CallCtx<'_>, event: Event, user: &User) -> Result<Option<Patch>> {
        match self.ask(call, Question::Hook, message::event(event, user)?)? {
            Reply::Patch(patch) => Ok(Some(patch.into())),
            Reply::Nothing => Ok(None),
            Reply::Permissions { .. } | Reply::Identity { .. } => Err(reply::does_not_fit(Question::Hook)),
        }
    }
}

impl OnNewUser for Webhook {
    fn on_new_user(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Event::Created, user)
    }
}

impl OnUserLogin for Webhook {
    fn on_user_login(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Event::Login, user)
    }
}

impl OnUserLogout for Webhook {
    fn on_user_logout(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Event::Logout, user)
    }
}

export_plugin!(
    Webhook { config_schema: include_str!("../schema.json") }:
    permissions, identities, on_new_user, on_user_login, on_user_logout, resolve_token
);
