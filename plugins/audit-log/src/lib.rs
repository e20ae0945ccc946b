//! Every first sign-in, sign-in and sign-out as one JSON line, in a file or on standard output. Never a token, never what
//! extensions keep about a user; name and address only where the operator asks for them.
//!
//! **Owns** the form of a line and how it gets to its place whole. **Does not own** the event: a line that cannot
//! be written fails this extension, which the host logs, and the sign-in goes on.
//!
//! To add a member to the lines: in `line`, and in `config` if it is personal. To add a place: a variant of `target`.

mod clock;
mod config;
mod file;
mod line;
mod locked;
mod rotation;
mod stdout;
mod target;
#[cfg(test)]
mod tests;

use vestibule_plugin_sdk::{
    CallCtx, Health, Logger, OnNewUser, OnUserLogin, OnUserLogout, Patch, Plugin, Result, User, export_plugin,
};

use config::{Config, Personal};
use line::Event;
use target::Target;

struct AuditLog {
    target: Target,
    include: Vec<Personal>,
    log: Logger,
}

impl Plugin for AuditLog {
    type Config = Config;

    fn create(_alias: &str, config: Config, log: Logger) -> Result<Self> {
        let target = config.target()?;
        target.check()?;
        Ok(Self { target, include: config.include, log })
    }
}

impl AuditLog {
    fn note(&self, call: &CallCtx<'_>, event: Event, user: &User) -> Result<Option<Patch>> {
        let line = line::of(event, user, &self.include, clock::now())?;
        self.target.write(&line, call.remaining(), self.log)?;
        Ok(None)
    }
}

impl OnNewUser for AuditLog {
    fn on_new_user(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note(call, Event::Created, user)
    }
}

impl OnUserLogin for AuditLog {
    fn on_user_login(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note(call, Event::Login, user)
    }
}

impl OnUserLogout for AuditLog {
    fn on_user_logout(&self, call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.note(call, Event::Logout, user)
    }
}

impl Health for AuditLog {
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        self.target.check()
    }
}

export_plugin!(AuditLog { config_schema: include_str!("../schema.json") }: on_new_user, on_user_login, on_user_logout, health);
