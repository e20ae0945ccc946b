//! What an instance is configured with.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::PluginName;
use crate::config::PluginConfig;
use crate::error::LoadFault;
use crate::process::Sandbox;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
const DEFAULT_CONCURRENCY: usize = 4;
const DEFAULT_QUEUE: usize = 64;
const MAX_CONCURRENCY: usize = 1_024;
const MAX_QUEUE: usize = 65_536;

/// Where the calls of an instance run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// On threads of its own: a call that hangs costs one of them, and delays no other caller.
    #[default]
    Thread,
    /// In a process of its own, which has neither the keys nor the settings of the service and is killed when a call hangs.
    Process,
    /// On the thread of the request. Nothing bounds a call: only for a plugin that computes and never waits.
    Inline,
}

/// Why a text is not an isolation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no such isolation; use \"thread\", \"process\" or \"inline\"")]
pub struct IsolationError;

impl Isolation {
    /// As it is written in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Inline => "inline",
        }
    }
}

impl FromStr for Isolation {
    type Err = IsolationError;

    fn from_str(text: &str) -> Result<Self, IsolationError> {
        let all = [Self::Thread, Self::Process, Self::Inline];
        all.into_iter().find(|isolation| isolation.as_str() == text).ok_or(IsolationError)
    }
}

/// What one instance gets.
#[derive(Clone)]
pub struct InstanceSettings {
    /// Where its calls run.
    pub isolation: Isolation,
    /// How long a call may take, the wait for a thread included. Hooks have a second at most.
    pub timeout: Duration,
    /// How many calls run at once. A plugin that asks to be called one at a time has one thread all the same.
    pub concurrency: usize,
    /// How many calls may wait for a thread.
    pub queue: usize,
    /// The only SHA-256 that its file may have.
    pub sha256: Option<[u8; 32]>,
    /// Whether it may refuse a user.
    pub may_deny: bool,
    /// Whether, as a token handler, it may say that a token stands for a person of ours.
    pub may_name_users: bool,
    /// Whether its process may start others. Only for an instance in a process of its own: elsewhere nothing could keep it from that.
    pub may_spawn: bool,
    /// The most that an answer may be used again for, whatever the plugin says; if not given, [`crate::DEFAULT_MAX_TTL`], and
    /// [`crate::DEFAULT_MAX_TOKEN_TTL`] where it is about a token.
    pub max_ttl: Option<Duration>,
    /// The plugin's own configuration.
    pub config: PluginConfig,
}

impl InstanceSettings {
    pub(crate) fn check(&self) -> Result<(), LoadFault> {
        if !(1..=MAX_CONCURRENCY).contains(&self.concurrency) {
            return Err(LoadFault::Setting("concurrency must be from 1 to 1024"));
        }
        if self.queue > MAX_QUEUE {
            return Err(LoadFault::Setting("queue must be at most 65536"));
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(LoadFault::Setting("timeout must be more than zero and at most 10 minutes"));
        }
        if self.may_spawn && self.isolation != Isolation::Process {
            return Err(LoadFault::Setting("may_spawn is for isolation = \"process\" alone"));
        }
        Ok(())
    }

    /// What a process may do that is started for it.
    pub(crate) fn sandbox(&self) -> Sandbox {
        match (self.isolation, self.may_spawn) {
            (Isolation::Process, false) => Sandbox::NoProcesses,
            (Isolation::Process, true) => Sandbox::MaySpawn,
            (Isolation::Thread | Isolation::Inline, _) => Sandbox::Off,
        }
    }
}

impl Default for InstanceSettings {
    fn default() -> Self {
        Self {
            isolation: Isolation::default(),
            timeout: DEFAULT_TIMEOUT,
            concurrency: DEFAULT_CONCURRENCY,
            queue: DEFAULT_QUEUE,
            sha256: None,
            may_deny: false,
            may_name_users: false,
            may_spawn: false,
            max_ttl: None,
            config: PluginConfig::default(),
        }
    }
}

/// Without the plugin's own configuration, which may hold secrets.
impl fmt::Debug for InstanceSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InstanceSettings")
            .field("isolation", &self.isolation)
            .field("timeout", &self.timeout)
            .field("concurrency", &self.concurrency)
            .field("queue", &self.queue)
            .field("may_deny", &self.may_deny)
            .field("may_spawn", &self.may_spawn)
            .finish_non_exhaustive()
    }
}

/// One instance to be: which plugin, under which name, with which settings.
#[derive(Debug, Clone)]
pub struct InstanceSpec {
    /// The name that logs and metrics know it by.
    pub alias: String,
    /// The plugin.
    pub plugin: PluginName,
    /// What it gets.
    pub settings: InstanceSettings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolation_is_read_as_it_is_written() {
        for isolation in [Isolation::Thread, Isolation::Process, Isolation::Inline] {
            assert_eq!(isolation.as_str().parse(), Ok(isolation));
        }
        assert_eq!("Thread".parse::<Isolation>(), Err(IsolationError));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let default = InstanceSettings::default;
        assert!(default().check().is_ok());
        assert!(InstanceSettings { concurrency: 0, ..default() }.check().is_err());
        assert!(InstanceSettings { concurrency: 1_025, ..default() }.check().is_err());
        assert!(InstanceSettings { timeout: Duration::ZERO, ..default() }.check().is_err());
        let spawning = InstanceSettings { may_spawn: true, ..default() };
        assert!(spawning.check().is_err());
        assert!(InstanceSettings { isolation: Isolation::Process, ..spawning }.check().is_ok());
    }
}
