//! Runs permission providers and extensions that are written in Python, as dgp-oauth2 had them and unchanged: a module
//! with `get_permissions(service, userid)`, or with any of `on_new_user`, `on_user_login`, `on_user_logout(user_info)`. And token
//! handlers: a module with `resolve_token(token, context)`.
//!
//! **Owns** the workers of an instance: processes that import the module and answer one call at a time, are killed when
//! they hang, and end with the service whatever they are doing. **Does not own** what a failure means for the person
//! who signs in, nor which parts of a user an extension may change: the host decides both.
//!
//! From outside to inside: `config` is what the operator wrote; `workers` hands a call to a worker; `worker` speaks to one
//! process in `message`s, framed by `frame`; `process` starts and ends it; `reaper` waits for the end, `log_pump` reads what it
//! prints. `boot.py` and `bridge.py` are the other side. To add an operation: a request in `message`, an answer in
//! `bridge.py`, a trait here.

mod config;
mod difference;
mod error;
mod frame;
#[cfg(test)]
mod fuzzing;
mod log_pump;
mod message;
mod process;
mod reaper;
mod user;
mod worker;
mod workers;

use std::time::{Duration, Instant};

use vestibule_plugin_sdk::{
    CallCtx, Error, Health, Level, Logger, Map, OnNewUser, OnUserLogin, OnUserLogout, Patch,
    PermissionProvider, PermissionRequest, Plugin, Result, TokenHandler, TokenIdentity, TokenRequest, User,
    Value, export_plugin, json,
};

use config::{Config, Settings};
use error::WorkerError;
use message::{Exception, Function, Reply, Request};
use workers::Workers;

/// No call takes longer, whatever the host allows: a moment too far away cannot be written down.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);

/// One module, and the workers that run it.
struct Python {
    workers: Workers,
    module: String,
    functions: Vec<Function>,
    cache: Option<Duration>,
    log: Logger,
}

impl Plugin for Python {
    type Config = Config;

    fn create(alias: &str, config: Config, log: Logger) -> Result<Self> {
        let settings = Settings::try_from(config).map_err(Error::fatal)?;
        let (module, cache) = (settings.module.clone(), settings.cache);
        // Nothing is tried again at the start: a failure stops the start of the service.
        let (workers, ready) = Workers::start(alias, settings, log).map_err(Error::fatal)?;
        if ready.functions.is_empty() {
            return Err(Error::fatal(format!(
                "the module `{module}` has none of the functions that are called: {}",
                Function::ALL.map(Function::name).join(", ")
            )));
        }
        log.event(Level::Info, "the module is imported", &json!({"module": module, "python": ready.version}));
        Ok(Self { workers, module, functions: ready.functions, cache, log })
    }
}

impl Python {
    fn has(&self, function: Function) -> bool {
        self.functions.contains(&function)
    }

    /// The error of a function that the module does not have.
    fn require(&self, function: Function) -> Result<()> {
        if self.has(function) {
            return Ok(());
        }
        Err(Error::fatal(format!("the module `{}` has no function {}", self.module, function.name())))
    }

    fn ask(&self, call: &CallCtx<'_>, request: &Request<'_>, about: Option<&User>) -> Result<Reply> {
        let mut reply = self.workers.ask(request, deadline(call));
        if let Err(WorkerError::Raised { exception, .. }) = &mut reply {
            if let Some(user) = about {
                exception.message = user::hide(&exception.message, user);
            }
            if request.function() == Function::ResolveToken {
                // Exceptions quote what they choke on, and this is a secret.
                exception.message.clear();
            }
            self.log_exception(request.function(), exception);
        }
        Ok(reply?)
    }

    fn log_exception(&self, function: Function, exception: &Exception) {
        let level = if exception.retry { Level::Warn } else { Level::Error };
        let details = json!({
            "function": function.name(), "type": exception.kind, "message": exception.message,
            "frames": exception.frames, "causes": exception.causes,
        });
        self.log.event(level, "the module raised an exception", &details);
    }

    /// Tells the module of an event, unless it does not listen.
    fn tell(&self, call: &CallCtx<'_>, function: Function, user: &User) -> Result<Option<Patch>> {
        if !self.has(function) {
            return Ok(None);
        }
        let before = user::to_json(user);
        let reply = self.ask(call, &Request::Event { call: function, user: &before }, Some(user))?;
        let Reply::User { kept, ignored } = reply else { return Err(WorkerError::Rubbish.into()) };
        if !ignored.is_empty() {
            let details = json!({"function": function.name(), "keys": ignored});
            self.log.event(Level::Warn, "the module changed what an extension may not change", &details);
        }
        Ok(difference::patch(&before, &kept).map(Patch::from))
    }
}

/// When to give up: a little before the host does, so that the host hears why, and a worker that hangs is killed rather
/// than the process around this plugin.
fn deadline(call: &CallCtx<'_>) -> Instant {
    let left = call.remaining().min(LONGEST_CALL);
    let margin = (left / 10).min(Duration::from_millis(100));
    Instant::now() + left.saturating_sub(margin)
}

impl PermissionProvider for Python {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        self.require(Function::GetPermissions)?;
        let request = Request::Permissions {
            call: Function::GetPermissions,
            service: request.service(),
            userid: request.user_id(),
        };
        match self.ask(call, &request, None)? {
            Reply::Permissions(Some(permissions)) => {
                self.cache.into_iter().for_each(|duration| call.cache_for(duration));
                Ok(permissions)
            }
            // The original would have signed a token whose permissions are `null`.
            Reply::Permissions(None) => Err(Error::NoOpinion),
            _ => Err(WorkerError::Rubbish.into()),
        }
    }
}

impl TokenHandler for Python {
    fn resolve_token(&self, call: &CallCtx<'_>, request: &TokenRequest<'_>) -> Result<TokenIdentity> {
        self.require(Function::ResolveToken)?;
        let context = request.context()?;
        let asked =
            Request::Token { call: Function::ResolveToken, token: request.token(), context: &context };
        match self.ask(call, &asked, None)? {
            Reply::Identity(Some(identity)) => {
                self.cache.into_iter().for_each(|duration| call.cache_for(duration));
                Ok(identity.into())
            }
            Reply::Identity(None) => Err(Error::NoOpinion),
            _ => Err(WorkerError::Rubbish.into()),
        }
    }
}

impl OnNewUser for Python {
    fn on_new_user(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Function::OnNewUser, user)
    }
}

impl OnUserLogin for Python {
    fn on_user_login(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Function::OnUserLogin, user)
    }
}

impl OnUserLogout for Python {
    fn on_user_logout(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.tell(call, Function::OnUserLogout, user)
    }
}

impl Health for Python {
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        Ok(self.workers.check()?)
    }
}

export_plugin!(Python { config_schema: include_str!("../schema.json") }:
    permissions, on_new_user, on_user_login, on_user_logout, resolve_token, health);

#[cfg(test)]
mod tests;
