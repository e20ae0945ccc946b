//! Roles from rules and from the service's own database, and scopes from roles.
//!
//! **Owns** what an operator writes about roles (`config`), what of it makes sense (`policy`), to whom a rule applies
//! (`subject`), what that comes to (`decision`), and the file that may change under it (`source`). **Does not own** what is
//! known of a person: the host says it with each request (`policy_input`).
//!
//! To add a kind of rule: a member of `config::RuleText`, a variant of `subject::Subject`, a line in `schema.json` and in the
//! README.

mod config;
mod decision;
mod mistake;
mod policy;
mod policy_input;
mod source;
mod subject;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use vestibule_plugin_sdk::{
    CallCtx, Error, Explain, Explanation, Health, Logger, Map, PermissionProvider, PermissionRequest, Plugin,
    Result, Value, export_plugin,
};

use config::{Config, Format};
use decision::Decision;
use policy_input::PolicyInput;
use source::{News, Source};

/// How many unknown names of roles are remembered, so that each is logged once.
const REMEMBERED: usize = 1_000;

struct Roles {
    source: Source,
    format: Format,
    cache: Option<Duration>,
    /// Assigned roles that no file knows, as far as the log has heard of them.
    unknown: Mutex<BTreeSet<String>>,
    log: Logger,
}

impl Plugin for Roles {
    type Config = Config;

    fn create(_alias: &str, config: Config, log: Logger) -> Result<Self> {
        let (format, cache) = (config.format, config.cache_seconds.map(Duration::from_secs));
        let source = Source::open(config, Instant::now()).map_err(Error::fatal)?;
        Ok(Self { source, format, cache, unknown: Mutex::default(), log })
    }
}

impl Roles {
    fn decide(&self, request: &PermissionRequest<'_>) -> Result<Decision> {
        self.look();
        let decision = self.source.policy().decide(&PolicyInput::from_request(request)?);
        self.report(decision.unknown_roles());
        Ok(decision)
    }

    fn look(&self) {
        match self.source.look(Instant::now()) {
            Some(News::Changed(text)) => self.log.info(&text),
            Some(News::Broken(text)) => self.log.error(&text),
            None => {}
        }
    }

    fn report<'a>(&self, unknown: impl Iterator<Item = &'a str>) {
        let mut reported = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        for role in unknown {
            if reported.len() < REMEMBERED && reported.insert(role.to_owned()) {
                self.log.warn(&format!(
                    "the role {role:?} is assigned in the database and not defined; it gives nothing"
                ));
            }
        }
    }
}

impl PermissionProvider for Roles {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        let decision = self.decide(request)?;
        if let Some(cache) = self.cache {
            call.cache_for(cache);
        }
        Ok(decision.permissions(self.format))
    }
}

impl Explain for Roles {
    fn explain(&self, _call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Explanation> {
        let decision = self.decide(request)?;
        Ok(Explanation { permissions: decision.permissions(self.format), because: decision.reasons() })
    }
}

impl Health for Roles {
    /// Also looks at the file, so that a corrected one is in force before the next question.
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        self.look();
        self.source.problem().map_or(Ok(()), |problem| Err(Error::retry(problem)))
    }
}

export_plugin!(
    Roles { config_schema: include_str!("../schema.json") }: permissions, explain, identities, health
);

#[cfg(test)]
mod tests;
