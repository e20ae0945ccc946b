//! A plugin that misbehaves as its configuration says: `{"fault": "panic-in-call"}`, `{"fault": "sleep", "seconds": 60}`.
//! Without a fault it answers `{"service": <service>}` and leaves users alone. Every operation has the same fault; with
//! `"only_for": NAME` it has it for users of that name alone.
//!
//! What the safe interface cannot say (rubbish, two replies) goes through the raw table, in `raw`.
#![expect(clippy::panic, reason = "panics are among the faults")]

mod raw;

use std::fs::{self, File};
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Error, Health, Logger, Map, OnNewUser, OnUserLogin, OnUserLogout, Patch, PermissionProvider,
    PermissionRequest, Plugin, Result, User, Value, json,
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    /// Nothing does.
    None,
    PanicInCreate,
    PanicInCall,
    PanicInDestroy,
    /// `create` says no.
    Refuse,
    /// Every operation takes `seconds`.
    Sleep,
    Retry,
    Deny,
    NoOpinion,
    Fatal,
    /// Only `health` says no.
    Unhealthy,
    /// Only `health` takes `seconds`.
    SleepInHealth,
    /// The patch of a hook reaches for what it may not have.
    GreedyPatch,
    /// The process ends.
    Abort,
    NotJson,
    NotUtf8,
    NotAnObject,
    TooBig,
    TooDeep,
    NoReply,
    TwoReplies,
    UnknownCode,
    /// Follows a bad pointer when a user's id is long.
    LongStrings,
    /// Answers with rubbish when a user's id is not ASCII.
    OddStrings,
    /// Ends the process in an orderly manner.
    Exit,
    /// `create` ends the process when the configuration has a member that it does not know.
    Brittle,
    /// Does not come back while there is little time left, in `get_permissions`.
    Late,
    /// Each instance writes to the file that its `secret` names.
    WriteFile,
    /// Each instance leaves memory behind.
    LeakMemory,
    /// Each instance leaves an open file behind.
    LeakDescriptor,
    /// Each instance leaves a thread behind.
    LeakThread,
    /// Each call leaves memory behind.
    LeakInCalls,
    /// Calls share a variable as if there were one thread.
    Race,
    /// Repeats its `secret` when it complains, and says whether the environment has it too.
    TellTale,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default = "no_fault")]
    fault: Fault,
    #[serde(default)]
    seconds: u64,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    only_for: Option<String>,
}

fn no_fault() -> Fault {
    Fault::None
}

struct Faulty(Config);

impl Faulty {
    /// Goes wrong, if that is what an operation is to do for a user.
    fn misbehave(&self, user: impl FnOnce() -> Result<Option<String>>) -> Result<()> {
        if self.0.only_for.is_some() && self.0.only_for != user()? {
            return Ok(());
        }
        match self.0.fault {
            Fault::PanicInCall => panic!("the configured panic in a call"),
            Fault::Sleep => thread::sleep(Duration::from_secs(self.0.seconds)),
            Fault::Retry => return Err(Error::retry("the configured retry")),
            Fault::Deny => return Err(Error::deny("the configured denial")),
            Fault::NoOpinion => return Err(Error::NoOpinion),
            Fault::Fatal => return Err(Error::fatal("the configured failure")),
            Fault::Abort => std::process::abort(),
            Fault::Exit => std::process::exit(7),
            Fault::LeakInCalls => mem::forget(vec![1_u8; 1024]),
            Fault::TellTale => {
                let inherited = std::env::var_os("PLUGIN_SECRET").is_some();
                return Err(Error::retry(format!(
                    "no entry with {} (inherited: {inherited})",
                    self.0.secret
                )));
            }
            Fault::NotJson
            | Fault::NotUtf8
            | Fault::NotAnObject
            | Fault::TooBig
            | Fault::TooDeep
            | Fault::NoReply
            | Fault::TwoReplies
            | Fault::UnknownCode => {
                raw::ask_for(self.0.fault);
                return Err(Error::NoOpinion);
            }
            _ => {}
        }
        Ok(())
    }

    fn patch(&self, user: &User) -> Option<Patch> {
        let greedy =
            || Patch::new().set("id", "root").set("email", "root@example.org").set("name", "Renamed");
        (self.0.fault == Fault::GreedyPatch).then(|| greedy().set("attributes.seen_name", json!(user.name)))
    }
}

impl Plugin for Faulty {
    type Config = Config;

    fn create(_alias: &str, config: Config, _log: Logger) -> Result<Self> {
        match config.fault {
            Fault::PanicInCreate => panic!("the configured panic in create"),
            Fault::Refuse => Err(Error::fatal("the configured refusal")),
            _ => {
                leak(config.fault);
                if config.fault == Fault::WriteFile {
                    fs::write(&config.secret, "here").map_err(Error::fatal)?;
                }
                Ok(Self(config))
            }
        }
    }
}

/// Takes for an instance what `Drop` does not give back.
fn leak(fault: Fault) {
    match fault {
        Fault::LeakMemory => mem::forget(vec![1_u8; 64 * 1024]),
        Fault::LeakDescriptor => mem::forget(File::open("/dev/null")),
        Fault::LeakThread => {
            thread::spawn(|| {
                loop {
                    thread::park();
                }
            });
        }
        _ => {}
    }
}

/// Answers the id of whoever asked last, on whatever thread.
fn last_asked(user_id: &str) -> String {
    static LAST: Mutex<String> = Mutex::new(String::new());
    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
    user_id.clone_into(&mut last());
    thread::yield_now();
    last().clone()
}

impl Drop for Faulty {
    fn drop(&mut self) {
        assert!(self.0.fault != Fault::PanicInDestroy, "the configured panic in destroy");
    }
}

impl PermissionProvider for Faulty {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        self.misbehave(|| request.user().map(|user| user.name))?;
        match self.0.fault {
            Fault::LongStrings if request.user_id().len() > 1_000 => raw::follow_a_bad_pointer(),
            Fault::OddStrings if !request.user_id().is_ascii() => {
                raw::ask_for(Fault::NotUtf8);
                return Err(Error::NoOpinion);
            }
            Fault::Late if call.remaining() < Duration::from_secs(1) => thread::sleep(Duration::from_secs(4)),
            Fault::Race => {
                return Ok(Map::from_iter([("user".to_owned(), last_asked(request.user_id()).into())]));
            }
            _ => {}
        }
        Ok(Map::from_iter([("service".to_owned(), request.service().into())]))
    }
}

impl OnNewUser for Faulty {
    fn on_new_user(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.misbehave(|| Ok(user.name.clone()))?;
        Ok(self.patch(user))
    }
}

impl OnUserLogin for Faulty {
    fn on_user_login(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.misbehave(|| Ok(user.name.clone()))?;
        Ok(self.patch(user))
    }
}

impl OnUserLogout for Faulty {
    fn on_user_logout(&self, _call: &CallCtx<'_>, user: &User) -> Result<Option<Patch>> {
        self.misbehave(|| Ok(user.name.clone()))?;
        Ok(self.patch(user))
    }
}

impl Health for Faulty {
    fn health(&self, _call: &CallCtx<'_>) -> Result<()> {
        match self.0.fault {
            Fault::Unhealthy => return Err(Error::retry("the configured illness")),
            Fault::SleepInHealth => thread::sleep(Duration::from_secs(self.0.seconds)),
            _ => {}
        }
        Ok(())
    }
}
